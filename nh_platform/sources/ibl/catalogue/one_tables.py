"""ONE's parquet tables in a folder, with text ids.

Add here what the tables themselves need before they can be used. Where they come from is `one_client` and
`public_bucket`, what they mean for the platform is `manifest_tables`.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from nh_platform.session import ConfigError

REQUIRED = ("sessions", "datasets")


def read_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read the tables ``sessions``, ``datasets`` and, where there is one, ``insertions``.

    Returns
    -------
    dict
        Indexes are text: ``id`` of sessions, (``eid``, ``id``) of the others. ``attrs['tags']`` of datasets names the
        release tags that the tables were made for, ``attrs['created']`` when they were made, and its column ``tags``
        says the tags of every row, comma-joined.

    Raises
    ------
    ConfigError
        If a table is missing, cannot be parsed, or has no ``date_created`` metadata (ONE skips such a table).
    """
    from one.alf.cache import load_tables
    from pyarrow import ArrowException

    try:
        loaded = load_tables(folder)
    except (ArrowException, OSError, KeyError, ValueError) as error:
        raise ConfigError(
            f"ONE tables in {folder}", f"{type(error).__name__}: {error}", "Write the tables again."
        ) from error
    missing = [name for name in REQUIRED if not (folder / f"{name}.pqt").exists()]
    if missing or loaded["_meta"]["loaded_time"] is None:
        raise ConfigError(
            f"ONE tables in {folder}",
            f"{', '.join(f'{name}.pqt' for name in missing) or 'tables with date_created metadata'} not found",
            "Set `tables` of the IBL settings to the folder of sessions.pqt and datasets.pqt.",
        )
    described = loaded["_meta"]["raw"]
    skipped = [name for name, meta in described.items() if "date_created" not in meta]
    if skipped:  # ONE would take them for empty: all of upstream withdrawn
        raise ConfigError(
            f"ONE tables in {folder}",
            f"{', '.join(f'{name}.pqt' for name in skipped)}: no `date_created` metadata of ONE, as pandas writes a "
            "table; ONE skips it",
            "Write the tables again with `one.alf.cache.make_parquet_db`, or this one with `iblutil.io.parquet.save` "
            "and the metadata that it had.",
        )
    tables = {name: _with_text_index(loaded[name]) for name in (*REQUIRED, "insertions") if name in loaded}
    tags = {tag for meta in described.values() for tag in _as_list(meta.get("database_tags"))}
    tables["datasets"] = tables["datasets"].assign(tags=",".join(sorted(tags)) or None)
    tables["datasets"].attrs |= {"tags": sorted(tags), "created": loaded["_meta"]["created_time"]}
    return tables


def merge_tables(parts: list[dict[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """Return what any of some tables list, each row once; a dataset of several has the tags of each."""
    if len(parts) == 1:
        return parts[0]
    merged = {}
    for name in (name for name in (*REQUIRED, "insertions") if any(name in part for part in parts)):
        rows = pd.concat([part[name].assign() for part in parts if name in part])
        merged[name] = rows[~rows.index.duplicated()].sort_index()
    of_each = pd.concat([part["datasets"]["tags"] for part in parts])
    joined = of_each.groupby(level=["eid", "id"]).agg(lambda texts: ",".join(sorted({*",".join(texts).split(",")})))
    merged["datasets"] = merged["datasets"].assign(tags=joined.reindex(merged["datasets"].index))
    return merged


def _with_text_index(table: pd.DataFrame) -> pd.DataFrame:
    if isinstance(table.index, pd.MultiIndex):
        levels = [table.index.get_level_values(name).map(str) for name in ("eid", "id")]
        return table.set_axis(pd.MultiIndex.from_arrays(levels, names=["eid", "id"]))
    return table.set_axis(table.index.map(str).rename("id"))


def _as_list(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(item) for item in value] if isinstance(value, (list, tuple, set)) else []
