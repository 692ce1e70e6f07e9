"""Freezes: lists of insertions and sessions that a paper or a release names, as CSV files.

Contains the reader of such a list, the catalogue that it is by itself, and the restriction of a source to it. Add a
column name here when a published list uses another one. What a freeze's sessions hold is the source's matter.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from nh_platform.history.identity import version_of
from nh_platform.history.insertion_ids import is_made_up, with_known_ids
from nh_platform.history.manifest import Manifest
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, LEFT_OUT, SESSIONS

COLUMNS = {
    "insertion_id": ("pid", "insertion_id", "probe_insertion_id"),
    "session_id": ("eid", "session_id", "ecephys_session_id"),
    "probe": ("probe_name", "probe"),
    "subject": ("subject",),
    "lab": ("lab",),
    "date": ("date",),
    "number": ("session_number", "number"),
}
"""Columns of a freeze by the names that published lists use: paper-brain-wide-map ``fixtures/*.csv`` and iblalyx
``*_eids_pids.csv``. Only the session is required."""


_VERSION_DIGITS = 8
"""Digits of a freeze's content that tell an edited list from the one before."""


@dataclass(frozen=True)
class Freeze:
    """A list of insertions.

    Parameters
    ----------
    name
        Name of the list: its file name without the extension.
    rows
        (n, 7) of `COLUMNS`, all text but ``number`` (uint16); empty text, and number 1, where the list states none.
        A list of sessions alone has an empty ``insertion_id``.
    """

    name: str
    rows: pd.DataFrame

    @property
    def session_ids(self) -> list[str]:
        """Sessions, sorted."""
        return sorted(set(self.rows["session_id"]))

    @property
    def insertion_ids(self) -> list[str]:
        """Insertions, sorted; none for a list of sessions alone."""
        return sorted(set(self.rows["insertion_id"]) - {""})

    @property
    def version(self) -> str:
        """Identity of what it names, whatever the order of its lines: 64 hexadecimal digits."""
        pairs = zip(self.rows["session_id"], self.rows["probe"], self.rows["insertion_id"])
        return version_of(sorted("\x1f".join(row) + "\n" for row in pairs))

    def select(self, insertions: pd.DataFrame) -> pd.Series:
        """Return which rows of a table of schema `INSERTIONS` the freeze names.

        By insertion id, or by session and probe where the list states both: a local tree without an insertions table
        has no upstream ids. A list of sessions alone names every insertion of theirs.
        """
        if not self.insertion_ids:
            return insertions["session_id"].isin(set(self.session_ids))
        by_id = insertions["insertion_id"].isin(set(self.insertion_ids))
        named = self.rows[self.rows["probe"] != ""]
        pairs = set(zip(named["session_id"], named["probe"]))
        by_probe = [pair in pairs for pair in zip(insertions["session_id"], insertions["probe"])]
        return by_id | pd.Series(by_probe, index=insertions.index, dtype=bool)


def is_freeze_file(name: str | Path) -> bool:
    """Return whether a name is that of a CSV file that exists."""
    path = Path(name)
    return path.suffix.lower() == ".csv" and path.is_file()


def read_freeze(path: Path | str) -> Freeze:
    """Read a freeze.

    Parameters
    ----------
    path
        CSV with a header; columns as of `COLUMNS`, others are ignored.

    Raises
    ------
    ConfigError
        If the file is missing or not such a table, or names an insertion twice; the text names the file and the line.
    """
    path = Path(path)
    table = _table(path)
    found = {name: next((c for c in choices if c in table.columns), None) for name, choices in COLUMNS.items()}
    if found["session_id"] is None:
        raise ConfigError(
            f"freeze {path}",
            f"it has no column {' or '.join(COLUMNS['session_id'])}; it has {', '.join(table.columns) or 'no header'}",
            "Name the session column eid and the insertion column pid.",
        )
    rows = pd.DataFrame({n: "" if c is None else table[c].str.strip() for n, c in found.items()}, index=table.index)
    _check(path, rows, has_insertions=found["insertion_id"] is not None)
    rows["number"] = rows["number"].replace("", "1").astype("uint16")
    return Freeze(path.stem, rows.sort_values(["session_id", "probe", "insertion_id"], ignore_index=True))


def _table(path: Path) -> pd.DataFrame:
    """Return the cells of a CSV file as text; pandas itself would fill up a line that was cut off."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            lines = [line for line in csv.reader(handle) if line]
    except FileNotFoundError as error:
        raise ConfigError(f"freeze {path}", "there is no such file", "Give the path of a CSV file.") from error
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise ConfigError(
            f"freeze {path}", f"it is not a CSV table: {error}", "Give a CSV file with a header and a column eid."
        ) from error
    header, cells = (lines[0], lines[1:]) if lines else ([], [])
    if len(set(header)) != len(header):
        raise ConfigError(f"freeze {path}, line 1", "a column is named twice", "Give every column a name of its own.")
    for number, line in enumerate(cells, 2):
        if len(line) != len(header):
            raise ConfigError(
                f"freeze {path}, line {number}",
                f"it has {len(line)} cells and the header {len(header)}; the file may have been cut off",
                "Get the file again, or correct that line.",
            )
    return pd.DataFrame(cells, columns=pd.Index(header, dtype=object), dtype=object)


def _check(path: Path, rows: pd.DataFrame, *, has_insertions: bool) -> None:
    required = ["session_id", "insertion_id"] if has_insertions else ["session_id"]
    numeric = rows["number"].str.fullmatch(r"\d{0,4}")
    for wrong, found in (
        ((rows[required] == "").any(axis=1), f"a cell of {' or '.join(required)} is empty"),
        (rows.duplicated(required), f"the {'insertion' if has_insertions else 'session'} is listed twice"),
        (has_insertions & rows.duplicated("insertion_id"), "the insertion is listed with two sessions"),
        (~numeric, "the session number is not a number"),
    ):
        if wrong.any():
            line = int(wrong.to_numpy().nonzero()[0][0])
            what = rows.iloc[line]["insertion_id"] or rows.iloc[line]["session_id"]
            raise ConfigError(f"freeze {path}, line {line + 2} {what}".rstrip(), found, "Correct that line.")


def freeze_manifest(freeze: Freeze | Path | str, source: str) -> Manifest:
    """Return the catalogue that a freeze is by itself: its sessions and insertions, and no files.

    Parameters
    ----------
    freeze
        The freeze, or the path of its CSV.
    source
        Name of the source that it belongs to.

    Raises
    ------
    ConfigError
        As of `read_freeze`.
    """
    freeze = freeze if isinstance(freeze, Freeze) else read_freeze(freeze)
    rows = freeze.rows
    sessions = rows.drop_duplicates("session_id")[["session_id", "subject", "lab", "date", "number"]]
    insertions = rows[rows["insertion_id"] != ""][["session_id", "insertion_id", "probe"]]
    return Manifest(
        source=source,
        release=freeze.name,
        sessions=SESSIONS.conform(sessions),
        insertions=INSERTIONS.conform(insertions),
        files=FILES.empty(),
    )


def restrict(manifest: Manifest, freeze: Freeze) -> Manifest:
    """Return the part of a manifest that a freeze names: its insertions, their sessions, and the files of both.

    Files of a probe that the freeze leaves out are left out too; files of the whole session stay. Where the source
    knows no ids of insertions, they are the freeze's.

    Raises
    ------
    ConfigError
        If the freeze names insertions by ids alone, and the source knows none.
    """
    _refuse_unknown_ids(manifest.insertions, freeze)
    chosen = manifest.insertions[freeze.select(manifest.insertions)].reset_index(drop=True)
    insertions = with_known_ids(chosen, freeze.rows)
    # A list of sessions alone names also those without an insertion.
    kept = set(insertions["session_id"]) if freeze.insertion_ids else set(freeze.session_ids)
    probes = pd.MultiIndex.from_frame(insertions[["session_id", "probe"]])
    files = manifest.files
    of_probe = pd.MultiIndex.from_frame(files[["session_id", "probe"]]).isin(probes)
    wanted = files["session_id"].isin(kept) & ((files["probe"] == "") | of_probe)
    return replace(
        manifest,
        release=f"{freeze.name}, {manifest.release}",
        sessions=manifest.sessions[manifest.sessions["session_id"].isin(kept)].reset_index(drop=True),
        insertions=insertions,
        files=files[wanted].reset_index(drop=True),
        left_out=_with_unnamed(manifest, freeze, kept),
    )


def restricted(manifest: Manifest, freeze: Freeze | None) -> Manifest:
    """Return the part of a manifest that a list names, and in its ``selection`` which list; all of it without one.

    Raises
    ------
    ConfigError
        If the list names no session that upstream lists.
    """
    if freeze is None:
        return manifest
    if len(manifest.sessions) and manifest.sessions["session_id"].isin(set(freeze.session_ids)).sum() == 0:
        known = manifest.sessions["session_id"].tolist()
        near = close_matches(freeze.session_ids[0], known) if freeze.session_ids else ""
        found = (
            f"none of its {counted(len(freeze.session_ids), 'session')} is among the {len(known)} of {manifest.source}"
        )
        raise ConfigError(f"freeze {freeze.name}", found, f"Give a list of sessions of {manifest.source}.{near}")
    selection = ", ".join(
        filter(None, (manifest.selection, f"freeze {freeze.name} ({freeze.version[:_VERSION_DIGITS]})"))
    )
    return replace(restrict(manifest, freeze), selection=selection)


def _with_unnamed(manifest: Manifest, freeze: Freeze, kept: set[str]) -> pd.DataFrame:
    """Return what a manifest leaves out, and the sessions that the freeze does not name."""
    others = manifest.sessions.loc[~manifest.sessions["session_id"].isin(kept), "session_id"]
    rows = {"session_id": others, "insertion_id": "", "reason": f"not in the freeze {freeze.name}"}
    unnamed = pd.DataFrame({**rows, "found": "upstream lists it"}).astype(object)
    return LEFT_OUT.conform(pd.concat([manifest.left_out, unnamed], ignore_index=True))


def _refuse_unknown_ids(insertions: pd.DataFrame, freeze: Freeze) -> None:
    """Refuse a list of ids without probes for sessions whose ids were made up: it would select nothing of them."""
    by_id = freeze.rows[(freeze.rows["insertion_id"] != "") & (freeze.rows["probe"] == "")]
    unknown = by_id[by_id["session_id"].isin(set(insertions["session_id"][is_made_up(insertions)]))]
    if len(unknown):
        raise ConfigError(
            f"freeze {freeze.name}",
            f"it names insertions by pid alone, and without an account their pids are not known "
            f"({counted(len(unknown), 'insertion')} of {counted(unknown['session_id'].nunique(), 'session')})",
            "Add a column probe_name to it, or set NH_ONE_URL and an account.",
        )
