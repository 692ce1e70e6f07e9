"""A training set whole: what was chosen, how it is divided, statistics, versions, terms; made, audited, written, read.

Contains `TrainingSet`, its making from a recipe, and its files. Add a field to the header when a set states one more
thing about itself. Single steps stand in their own modules.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.history.snapshots import list_snapshots
from nh_platform.home.platform import Platform
from nh_platform.qc.rules.bibliography import Reference, bibliography
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, DamagedFile
from nh_platform.session.tables.training_sets import SET_STATISTICS, SET_TABLES, SET_WINDOWS, TRAINING_SET
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.file_hashes import verified
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets.division import DIVIDED, NOT_DRAWN, divide
from nh_platform.training_sets.recipe import BY_SUBJECT, Recipe
from nh_platform.training_sets.selection import OnSession, preset_ids, select
from nh_platform.training_sets.statistics import pooled, summed_up
from nh_platform.windows.splits import Finding, PartOfSet, SetRecord, audit
from nh_platform.windows.splits.by_subject import TRAIN

CODE_VERSION = "1"
HEADER = "training_set.json"


@dataclass(frozen=True)
class TrainingSet:
    """A training set.

    Parameters
    ----------
    header
        Id, description, recipe, sources with release, terms and citations, pooled statistics, and what was left out.
    tables
        Tables of `SET_TABLES` by name.
    """

    header: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    @property
    def id(self) -> str:
        """Name of the set."""
        return str(self.header["id"])

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that it was made by."""
        return Recipe.model_validate(self.header["recipe"])

    @cached_property
    def digest(self) -> str:
        """Identity of the content, 64 hexadecimal digits: the same wherever the same set is built again.

        Names of releases, terms and what was left out are no part of it: they are what one home knows.
        """
        recipe = {**self.header["recipe"], "description": ""}
        recipe["sources"] = {name: {**one, "sessions": None} for name, one in recipe["sources"].items()}
        tables = {**self.tables, "set_sessions": self.tables["set_sessions"].assign(release="")}
        lines = [json.dumps([recipe, self.header["statistics"]], sort_keys=True)]
        lines += [tables[schema.name].to_csv(index=False, float_format="%.17g") for schema in SET_TABLES]
        return hashlib.sha256("\x1f".join(lines).encode()).hexdigest()

    def parts(self) -> list[PartOfSet]:
        """Return every session, or stretch of one, with its split; without what is in no split of the set."""
        ranges = self.ranges_of()
        found = []
        for row in self.tables["set_sessions"].itertuples():
            if row.split == NOT_DRAWN:
                continue
            ids = tuple(one for one in row.insertion_ids.split(",") if one)
            facts = (row.source, row.release, row.session_id, row.subject)
            if row.split == DIVIDED:
                of_session = ranges.get((row.source, row.session_id), {})
                found += [PartOfSet(*facts, split, ids, stretches) for split, stretches in of_session.items()]
            else:
                found.append(PartOfSet(*facts, row.split, ids))
        return found

    def ranges_of(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return (n, 2) stretches by split, by source and session, of the sessions that are divided in time."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        groups = self.tables["set_ranges"].groupby(["source", "session_id", "split"], sort=False)
        for (source, session_id, split), rows in groups:
            found.setdefault((source, session_id), {})[split] = rows[["start", "stop"]].to_numpy(dtype=np.float64)
        return found

    def record(
        self, reference: Mapping[tuple[str, str], tuple[str, float, float]], before: TrainingSet | None
    ) -> SetRecord:
        """Return what the audit looks at.

        Parameters
        ----------
        reference
            Reference window of the embeddings that join, by source and session.
        before
            The set as it was built last.
        """
        parts = self.parts()
        training = {(one.source, one.session_id): one for one in parts if one.split == TRAIN}
        of_statistics = self.tables["set_statistics"][["source", "session_id"]].drop_duplicates()
        whole = {(one.source, one.session_id): one for one in parts}
        keys = list(of_statistics.itertuples(index=False, name=None))
        earlier = [] if before is None else before.parts()
        return SetRecord(
            parts,
            is_by_subject=self.recipe.split.by == BY_SUBJECT,
            normalised_on=[training.get(key) or whole[key] for key in keys if key in whole],
            reference_windows=reference,
            before={(one.source, one.session_id): one.split for one in earlier if one.ranges is None},
            before_parts=[one for one in earlier if one.ranges is not None],
            gap_s=self.recipe.split.gap_s,
        )

    def write(self, folder: Path) -> None:
        """Write header and tables into a folder."""
        text = json.dumps(self.header, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / HEADER).write_text(text + "\n", encoding="utf-8")
        for schema in SET_TABLES:
            write_table(folder / f"{schema.name}.parquet", self.tables[schema.name], schema)


def read_training_set(folder: Path) -> TrainingSet:
    """Read a set from the folder of its version.

    Raises
    ------
    DamagedFile
        If a file is not the bytes that were written.
    """
    header = json.loads(verified(folder / HEADER).read_text(encoding="utf-8"))
    return TrainingSet(header, {one.name: read_table(folder / f"{one.name}.parquet") for one in SET_TABLES})


def last_set(store: Store, set_id: str) -> TrainingSet | None:
    """Return the version of a set that counts; None where it was never built, or is damaged."""
    folder = store.usable(TRAINING_SETS, set_id, TRAINING_SET)
    try:
        return None if folder is None else read_training_set(folder)
    except DamagedFile:
        return None


def make_training_set(
    platform: Platform,
    recipe: Recipe,
    on_session: OnSession = lambda done, total, name: None,
    only: Mapping[str, Collection[str]] | None = None,
) -> TrainingSet:
    """Choose, divide and sum up what a recipe asks for; nothing is written and nothing audited.

    Parameters
    ----------
    platform
        The platform.
    recipe
        What to choose, and how to divide it.
    on_session
        Told how far it is.
    only
        Sessions by source that may be chosen; all where None.

    Raises
    ------
    NhError
        As `select` and `divide`.
    """
    chosen = select(platform, recipe, on_session, only)
    sessions, ranges, too_short = divide(platform, recipe, chosen.sessions)
    by_session = dict(list(chosen.units.groupby(["source", "session_id"], sort=False)))
    stretches: dict[tuple[str, str], dict[str, Any]] = {}
    for (source, session_id, split), rows in ranges.groupby(["source", "session_id", "split"], sort=False):
        stretches.setdefault((source, session_id), {})[split] = rows[["start", "stop"]].to_numpy(dtype=np.float64)
    windows, statistics = [], []
    presets = {source: preset_ids(platform, part) for source, part in recipe.sources.items()}
    for done, row in enumerate(sessions.itertuples()):
        on_session(done, len(sessions), f"{row.source} {row.session_id}, windows")
        if row.split == NOT_DRAWN:
            continue
        splits = stretches[row.source, row.session_id] if row.split == DIVIDED else {row.split: None}
        view = SessionView(platform.store, row.source, row.session_id)
        units = by_session[row.source, row.session_id]["unit_id"]
        of_session = summed_up(view, presets[row.source], units, splits)
        windows.append(of_session[0])
        if len(of_session[1]):
            statistics.append(of_session[1])
    on_session(len(sessions), len(sessions), "")
    _require_windows(recipe, windows)
    is_kept = set(zip(sessions["source"], sessions["session_id"]))
    tables = {
        "set_sessions": sessions,
        "set_ranges": ranges,
        "set_units": _of(chosen.units, is_kept),
        "set_windows": pd.concat(windows, ignore_index=True) if windows else SET_WINDOWS.empty(),
        "set_statistics": pd.concat(statistics, ignore_index=True) if statistics else SET_STATISTICS.empty(),
        "set_versions": _of(chosen.versions, is_kept),
    }
    columns = {schema.name: [column.name for column in schema.columns] for schema in SET_TABLES}
    ordered = {
        name: table[columns[name]].sort_values(["source", "session_id"], kind="stable").reset_index(drop=True)
        for name, table in tables.items()
    }
    header = {
        "id": recipe.id,
        "description": recipe.description,
        "recipe": recipe.stated(),
        "sources": {source: _about(platform, source) for source in recipe.sources},
        "statistics": pooled(ordered["set_statistics"]),
        "left_out": [*chosen.left_out, *too_short],
    }
    return TrainingSet(header, ordered)


def _require_windows(recipe: Recipe, windows: list[pd.DataFrame]) -> None:
    """Refuse a preset of which no session of a source has a window that is used."""
    if not windows:
        return
    totals = pd.concat(windows).groupby(["source", "preset"], sort=False)["n_windows"].sum()
    for source, preset in totals.index[totals == 0]:
        raise ConfigError(
            f"training set {recipe.id}, preset {preset} on {source}",
            "no session has a valid window of it that lies in a split",
            f"Look at the notes of `windows` (nh show {source} SESSION), or take another preset.",
        )


def _of(table: pd.DataFrame, kept: set[tuple[str, str]]) -> pd.DataFrame:
    return table[[key in kept for key in zip(table["source"], table["session_id"])]]


def _about(platform: Platform, source: str) -> dict[str, Any]:
    """Return what a set says of a source: its release, terms and citations, and the rulebook of its units."""
    entry, snapshots = platform.entry(source), list_snapshots(platform.store, source)
    works = [bibliography()[key] for key in entry.cites]
    return {
        "title": entry.title,
        "release": platform.manifest(source).release,
        "snapshot": snapshots[-1].number if snapshots else None,
        "catalogue": snapshots[-1].version if snapshots else "",
        "rulebook": platform.config(source).rulebook_ids[0],
        "terms": entry.terms,
        "cites": [_cited(one) for one in works],
    }


def _cited(work: Reference) -> str:
    """Return a reference on one line."""
    parts = [work.author.replace("{", "").replace("}", "") + f" ({work.year})" * (work.year is not None), work.title]
    return ". ".join([*parts, *filter(None, [f"https://doi.org/{work.doi}" if work.doi else work.url])])


def audited(platform: Platform, made: TrainingSet, before: TrainingSet | None) -> list[Finding]:
    """Return every leak of a set, held against the one that was built last; none is the proof that there is none."""
    return audit(made.record(_reference(platform, made), before))


def _reference(platform: Platform, made: TrainingSet) -> dict[tuple[str, str], tuple[str, float, float]]:
    if not made.recipe.embeddings:
        return {}
    found = {}
    for row in made.tables["set_sessions"].itertuples():
        window = SessionView(platform.store, row.source, row.session_id).embeddings_window
        found[row.source, row.session_id] = (window.id, window.start, window.stop)
    return found


def set_provenance(made: TrainingSet) -> Provenance:
    """Return the record of a set: its inputs are the versions that it names, its parameters its recipe."""
    versions = made.tables["set_versions"]
    keys = zip(versions["source"], versions["session_id"], versions["asset"])
    return Provenance.make(
        asset=TRAINING_SET,
        source=TRAINING_SETS,
        session_id=made.id,
        code_version=CODE_VERSION,
        inputs={"/".join(key): version for key, version in zip(keys, versions["data_version"])},
        parameters={"recipe": json.dumps(made.header["recipe"], sort_keys=True)},
        left_out=made.header["left_out"],
    )
