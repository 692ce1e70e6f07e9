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
from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, DamagedFile
from nh_platform.session.tables.across_sessions.training_sets import (
    SET_IMAGES,
    SET_NORMALISED,
    SET_STATISTICS,
    SET_TABLES,
    SET_WINDOWS,
    TRAINING_SET,
)
from nh_platform.session.tables.across_sessions.unit_vectors import VECTOR_TABLES
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.file_hashes import is_stored, verified
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets.division import DIVIDED, NOT_DRAWN, divide
from nh_platform.training_sets.fitted_vectors import described_vectors, fitted_vectors
from nh_platform.training_sets.joined_images import image_keys, images_table
from nh_platform.training_sets.recipe import BLOCKS, Recipe, own_files
from nh_platform.training_sets.selection import OnSession, presets_of, select
from nh_platform.training_sets.statistics import pooled, summed_up
from nh_platform.windows.splits import PartOfSet
from nh_platform.windows.splits.by_subject import TEST

CODE_VERSION = "2"
HEADER = "training_set.json"
_WHERE_STATED = (*VECTOR_TABLES, SET_IMAGES)
"""Tables of sets with embeddings of units, and with images."""


@dataclass(frozen=True)
class TrainingSet:
    """A training set.

    Parameters
    ----------
    header
        Id, description, recipe, sources with release, terms and citations, pooled statistics, what was left out, and of
        a set with embeddings what its vectors are made of.
    tables
        Tables of `SET_TABLES` by name; of a set with embeddings also those of `VECTOR_TABLES`, of one with images
        `SET_IMAGES`.
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

        Names of releases, terms, what was left out, and what else is stored beside its images are no part of it: they
        are what one home knows.
        """
        recipe = {**self.header["recipe"], "description": ""}
        recipe["sources"] = {name: {**one, "sessions": None} for name, one in recipe["sources"].items()}
        tables = {**self.tables, "set_sessions": self.tables["set_sessions"].assign(release="")}
        lines = [json.dumps([recipe, self.header["statistics"]], sort_keys=True)]
        tables |= {SET_IMAGES.name: self.images.assign(data_version="")} if len(self.images) else {}
        schemas = [*SET_TABLES, *(one for one in _WHERE_STATED if one.name in tables)]
        lines += [tables[schema.name].to_csv(index=False, float_format="%.17g") for schema in schemas]
        return hashlib.sha256("\x1f".join(lines).encode()).hexdigest()

    @property
    def images(self) -> pd.DataFrame:
        """One row per embedding of images that joins, schema `SET_IMAGES`; none where the recipe names none."""
        return self.tables.get(SET_IMAGES.name, SET_IMAGES.empty())

    def parts(self) -> list[PartOfSet]:
        """Return every session, or stretch of one, with its split; without what is in no split of the set."""
        ranges = self.ranges_of()
        found = []
        for row in self.tables["set_sessions"].itertuples():
            if row.split == NOT_DRAWN:
                continue
            ids = tuple(one for one in row.insertion_ids.split(",") if one)
            facts = (row.source, row.release, row.session_id, row.subject)
            of_session = ranges.get((row.source, row.session_id), {})
            if of_session or row.split == DIVIDED:
                found += [PartOfSet(*facts, split, ids, stretches) for split, stretches in of_session.items()]
            else:
                found.append(PartOfSet(*facts, row.split, ids))
        return found

    def ranges_of(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return (n, 2) stretches by split, by source and session, of the sessions that are divided in time."""
        return stretches_of(self.tables["set_ranges"])

    def write(self, folder: Path) -> None:
        """Write header and tables into a folder."""
        text = json.dumps(self.header, indent=1, sort_keys=True, ensure_ascii=False)
        (folder / HEADER).write_text(text + "\n", encoding="utf-8")
        for schema in (*SET_TABLES, *(one for one in _WHERE_STATED if one.name in self.tables)):
            write_table(folder / f"{schema.name}.parquet", self.tables[schema.name], schema)


def stretches_of(ranges: pd.DataFrame) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the rows of `SET_RANGES` as (n, 2) stretches by split, by source and session."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for (source, session_id, split), rows in ranges.groupby(["source", "session_id", "split"], sort=False):
        found.setdefault((source, session_id), {})[split] = rows[["start", "stop"]].to_numpy(dtype=np.float64)
    return found


def read_training_set(folder: Path) -> TrainingSet:
    """Read a set from the folder of its version.

    Raises
    ------
    DamagedFile
        If a file is not the bytes that were written.
    """
    header = json.loads(verified(folder / HEADER).read_text(encoding="utf-8"))
    # Sets without embeddings or images, and those of before there were any, have no tables of them.
    also = [one for one in _WHERE_STATED if is_stored(folder / f"{one.name}.parquet")]
    return TrainingSet(header, {one.name: read_table(folder / f"{one.name}.parquet") for one in (*SET_TABLES, *also)})


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
    only_images: Mapping[str, Collection[str]] | None = None,
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
    only, only_images
        Sessions, and image sets, by source that may be chosen, as of a locked set; all where None.

    Raises
    ------
    NhError
        As `select` and `divide`.
    """
    chosen = select(platform, recipe, on_session, only, only_images)
    sessions, ranges, too_short = divide(platform, recipe, chosen.sessions)
    by_session = dict(list(chosen.units.groupby(["source", "session_id"], sort=False)))
    stretches = stretches_of(ranges)
    windows, statistics, normalised = [], [], []
    presets = {
        source: [preset.id for preset in presets_of(platform, source, part)] for source, part in recipe.sources.items()
    }
    for done, row in enumerate(sessions.itertuples()):
        on_session(done, len(sessions), f"{row.source} {row.session_id}, windows")
        if row.split == NOT_DRAWN:
            continue
        splits = stretches.get((row.source, row.session_id)) or {row.split: None}
        view = SessionView(platform.store, row.source, row.session_id)
        units = by_session[row.source, row.session_id]["unit_id"]
        of_session = summed_up(view, presets[row.source], units, splits)
        windows.append(of_session.windows)
        if len(of_session.statistics):
            statistics.append(of_session.statistics)
            normalised.append(of_session.normalised)
    on_session(len(sessions), len(sessions), "")
    _require_windows(recipe, windows)
    is_kept = set(zip(sessions["source"], sessions["session_id"]))
    tables = {
        "set_sessions": sessions,
        "set_ranges": ranges,
        "set_units": _of(chosen.units, is_kept),
        "set_windows": pd.concat(windows, ignore_index=True) if windows else SET_WINDOWS.empty(),
        "set_statistics": pd.concat(statistics, ignore_index=True) if statistics else SET_STATISTICS.empty(),
        "set_normalised": pd.concat(normalised, ignore_index=True) if normalised else SET_NORMALISED.empty(),
        "set_versions": _of(chosen.versions, is_kept),
    }
    columns = {schema.name: [column.name for column in schema.columns] for schema in SET_TABLES}
    ordered = {
        name: table[columns[name]].sort_values(["source", "session_id"], kind="stable").reset_index(drop=True)
        for name, table in tables.items()
    }
    of_vectors: tuple[str, ...] = ()
    if recipe.embeddings:
        fitted, of_vectors = fitted_vectors(platform, ordered["set_sessions"], ordered["set_units"])
        ordered |= fitted
    if chosen.images:
        ordered[SET_IMAGES.name] = images_table(platform.store, chosen.images)
    header = {
        "id": recipe.id,
        "description": recipe.description,
        "recipe": recipe.stated(),
        "sources": {source: _about(platform, source) for source in recipe.sources},
        "files": own_files(platform, recipe.files),
        "statistics": pooled(ordered["set_statistics"]),
        "left_out": [*chosen.left_out, *too_short, *of_vectors],
    }
    if recipe.embeddings:
        header["vectors"] = described_vectors(platform, ordered["set_sessions"], ordered["set_units"])
    return TrainingSet(header, ordered)


def _require_windows(recipe: Recipe, windows: list[pd.DataFrame]) -> None:
    """Refuse a preset of which no session of a source has a window that is used, and a split without windows."""
    if not windows:
        return
    table = pd.concat(windows)
    totals = table.groupby(["source", "preset"], sort=False)["n_windows"].sum()
    for source, preset in totals.index[totals == 0]:
        raise ConfigError(
            f"training set {recipe.id}, preset {preset} on {source}",
            "no session has a valid window of it that lies in a split",
            f"Look at the notes of `windows` (nh show {source} SESSION), or take another preset.",
        )
    of_split = table.groupby(["preset", "split"], sort=False)["n_windows"].sum()
    for preset in dict.fromkeys(table["preset"]):
        for split in (TEST,) if recipe.split.by == BLOCKS else recipe.split.percent:
            if not of_split.get((preset, split), 0):
                raise ConfigError(
                    f"training set {recipe.id}, {split} of {preset}",
                    "no valid window lies in that split",
                    "Take other shares, a shorter gap, fewer folds, or more sessions.",
                )


def _of(table: pd.DataFrame, kept: set[tuple[str, str]]) -> pd.DataFrame:
    return table[[key in kept for key in zip(table["source"], table["session_id"])]]


def _about(platform: Platform, source: str) -> dict[str, Any]:
    """Return what a set says of a source: its release, terms and citations, and the rulebook of its units."""
    entry, snapshots = platform.entry(source), list_snapshots(platform.store, source)
    return {
        "title": entry.title,
        "release": platform.manifest(source).release,
        "snapshot": snapshots[-1].number if snapshots else None,
        "catalogue": snapshots[-1].version if snapshots else "",
        "rulebook": platform.config(source).rulebook_ids[0],
        "terms": entry.terms,
        "cites": [bibliography()[key].on_one_line() for key in entry.cites],
    }


def set_provenance(made: TrainingSet) -> Provenance:
    """Return the record of a set: inputs are the versions and keys that it names, parameters recipe and content.

    The content depends on more than the two: on lists and rulebooks that the recipe names, and on what the catalogue
    states of animals and insertions.
    """
    versions = made.tables["set_versions"]
    keys = zip(versions["source"], versions["session_id"], versions["asset"])
    return Provenance.make(
        asset=TRAINING_SET,
        source=TRAINING_SETS,
        session_id=made.id,
        code_version=CODE_VERSION,
        inputs={"/".join(key): one for key, one in zip(keys, versions["data_version"])} | image_keys(made.images),
        parameters={"recipe": json.dumps(made.header["recipe"], sort_keys=True), "content": made.digest},
        left_out=made.header["left_out"],
    )
