"""The record of an asset: name, version, inputs, parameters, tables, description, and what makes it.

Contains the record of a per-session asset, that of an asset across sessions, and what making one returns. Add a field
here when assets differ in one more way. No asset is named here; Dagster's words for these records are in
`nh_platform.defs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.history.identity import GROUPS
from nh_platform.session.columns import Column, TableSchema

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.assets.inputs import SessionInputs
    from nh_platform.home.platform import Platform
    from nh_platform.session import Note

REVIEWS, REVIEWED_INTERVALS = "reviews", "reviewed_intervals"
"""What is observed and not made: which reviews of a session count, and which intervals they mark invalid; and what
`upstream_name` names. These two are names of parameters as well."""

SHOWN_REVIEWS = "reviews as shown"
"""Name of the parameter that stands for everything that the reviews of a session say."""

CATALOGUE = "catalogue"
"""Name of the parameter that stands for what the catalogue states of a session."""

Tables = tuple[tuple[TableSchema, str], ...]
"""Schemas of the tables that an asset holds, each with its file, or with where it is found instead."""

Parameters = Mapping[str, str]
"""Value of every parameter that changes the result, as text by name."""


def upstream_name(group: str) -> str:
    """Return the name under which the upstream files of a group are observed; none that an asset has.

    Examples
    --------
    >>> upstream_name("events")
    'upstream_events'
    """
    return f"upstream_{group}"


def no_parameters(platform: Platform, source: str) -> Parameters:
    """Return that nothing which a person configures changes the result."""
    return {}


@dataclass(frozen=True)
class AssetResult:
    """An asset as it was made: what to write, and what a person sees of it.

    Parameters
    ----------
    rows
        Rows of the main table.
    write
        Writes the files into the folder that it is given; None where making it has written them.
    columns
        Columns of the main table as it is; those of the record's schema where None.
    shown
        Texts, numbers, and lists of mappings, which are drawn as tables; by name.
    notes
        What was missing, assumed or left out, in words; kept in the provenance.
    origins
        Which way upstream files came and what they were held against, in words; kept in the provenance alone.
    checks
        Outcome of each of the record's checks, by its name.
    not_had
        Upstream files that are listed and could not be had, sorted; they are part of the data version.
    page
        Address of its page within that of `nh ui` (`nh_platform.home.page_addresses`); empty where it has none.
    """

    rows: int
    write: Callable[[Path], None] | None = None
    columns: Sequence[Column] | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    checks: Mapping[str, CheckOutcome] = field(default_factory=dict)
    not_had: tuple[str, ...] = ()
    page: str = ""


@dataclass(frozen=True)
class SessionAsset:
    """One per-session asset, whole.

    Parameters
    ----------
    name
        Name of the asset, small letters, digits and ``_``; the folder in the store and, behind the source, Dagster's
        key.
    code_version
        Moves, in the commit that does it, when the asset's results move.
    description
        What it holds, for a person who has not seen it before.
    kinds
        Formats of its files, shown in the UI.
    tables
        The tables that it holds, at least one, for the data dictionary; the UI shows the columns of the first.
    make
        Makes it from its inputs.
    inputs
        Assets of the same session that it reads.
    inputs_where_made
        Assets of the same session that it reads as well where they are made for the source, as those on request.
    groups
        Groups of upstream files that it reads (`nh_platform.history.identity.GROUPS`).
    parameters
        What a person configures for the source that changes its result.
    columns
        Columns that its main table has for a source as it is configured, where these are more than the fixed ones of
        its schema. Events of sessions that have no other ones then need not repeat them.
    reads_reviews
        Whether the reviews of the session change its result.
    reads_reviewed_intervals
        Whether the intervals that counted reviews mark invalid do, and nothing else of the reviews.
    shows_reviews
        Whether it shows the reviews whole, words and all, so that everything that they say changes it.
    reads_catalogue
        Whether what the catalogue states of the session beside its files does (`nh_platform.history.catalogue_facts`).
    is_gate
        Whether its stored gate stops what reads it (`nh_platform.qc.gate`).
    of_every_source
        Whether every source has it; else only those whose entry names it. One that reads what a source lacks is not
        made there either.
    memory_per_spike_byte
        Peak memory of making it, in bytes for each byte of the session's spike files by the manifest, beside what any
        run takes; measured by ``benchmarks/bench_memory.py``.
    checks
        The checks that making it carries out; their names are those of no rule.

    Raises
    ------
    ValueError
        If a field is not as stated here; it is raised where the record is made, so that the package is named.
    """

    name: str
    code_version: str
    description: str
    kinds: frozenset[str]
    tables: Tables
    make: Callable[[SessionInputs], AssetResult]
    inputs: tuple[str, ...] = ()
    inputs_where_made: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    parameters: Callable[[Platform, str], Parameters] = no_parameters
    columns: Callable[[Platform, str], Sequence[Column]] | None = None
    reads_reviews: bool = False
    reads_reviewed_intervals: bool = False
    shows_reviews: bool = False
    reads_catalogue: bool = False
    is_gate: bool = False
    of_every_source: bool = True
    memory_per_spike_byte: float = 0.5
    checks: tuple[AssetCheck, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise ValueError(f"asset name {self.name!r} must be small letters, digits and _")
        for field_name in ("code_version", "description"):
            if not isinstance(text := getattr(self, field_name), str) or not text:
                raise ValueError(f"asset {self.name}: {field_name} must be a text, found {text!r}")
        for field_name in ("inputs", "inputs_where_made", "groups"):
            names = getattr(self, field_name)
            if not isinstance(names, tuple) or not all(isinstance(one, str) for one in names):
                raise ValueError(f"asset {self.name}: {field_name} must be a tuple of names, found {names!r}")
        if unknown := [group for group in self.groups if group not in GROUPS]:
            raise ValueError(f"asset {self.name}: no group {', '.join(unknown)}; there are {', '.join(GROUPS)}")
        if not isinstance(self.tables, tuple) or not self.tables or not all(map(_is_table, self.tables)):
            raise ValueError(f"asset {self.name}: tables must be one or more pairs of a TableSchema and a file")
        for field_name in ("make", "parameters"):
            if not callable(getattr(self, field_name)):
                raise ValueError(f"asset {self.name}: {field_name} must be a function")


@dataclass(frozen=True)
class AssetCheck:
    """A check that making an asset carries out."""

    name: str
    description: str
    is_error: bool = False


@dataclass(frozen=True)
class CheckOutcome:
    """Outcome of a check.

    Parameters
    ----------
    passed
        Whether all is as it should be.
    description
        What was found, in words.
    shown
        As of `AssetResult`.
    is_known
        Whether there was anything to hold it against; where not it has not passed, and is no error either.
    """

    passed: bool
    description: str
    shown: Mapping[str, Any] = field(default_factory=dict)
    is_known: bool = True


@dataclass(frozen=True)
class SourceAsset:
    """One asset that is made of all sessions of a source, whole.

    Parameters
    ----------
    name, code_version, description, kinds, tables, parameters
        As of `SessionAsset`.
    reads
        Assets of the source that it depends on.
    inputs
        Version by name of everything that it is made of, as the store has it now.
    make
        Makes it from what the store has now for a source of the platform, and writes it into a folder.
    checks
        The checks that making it carries out.
    follows_sessions
        Whether the sensor makes it anew once sessions were made and nothing runs; the others wait for the daily
        inventory.
    is_remade_daily
        Whether it also depends on something without a version, so that every inventory makes it anew.
    of_every_source
        Whether every source has it whose sessions have what it reads; else only those whose entry names it among
        `extra_assets`.
    pool
        Pool of its runs, where it is another one than that of runs which join sessions.
    """

    name: str
    code_version: str
    description: str
    kinds: frozenset[str]
    tables: Tables
    reads: tuple[str, ...]
    inputs: Callable[[Platform, str], Mapping[str, str]]
    make: Callable[[Platform, str, Path], AssetResult]
    parameters: Callable[[Platform, str], Parameters] = no_parameters
    checks: tuple[AssetCheck, ...] = ()
    is_remade_daily: bool = False
    follows_sessions: bool = False
    of_every_source: bool = True
    pool: str = ""


def _is_table(pair: object) -> bool:
    """Whether something is a schema with its file."""
    return isinstance(pair, tuple) and len(pair) == 2 and isinstance(pair[0], TableSchema) and isinstance(pair[1], str)


def note_texts(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return what was missing, assumed or left out as it is kept in the provenance."""
    return tuple(f"{note.subject}: {note.text}" for note in notes if not note.is_origin)


def origin_texts(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return which way upstream files came as it is kept in the provenance."""
    return tuple(f"{note.subject}: {note.text}" for note in notes if note.is_origin)


def files_not_had(notes: Iterable[Note]) -> tuple[str, ...]:
    """Return the files that notes say are listed and could not be had, sorted."""
    return tuple(sorted({note.subject for note in notes if note.may_return}))


def largest_counts(counts: pd.Series, name: str, limit: int = 12) -> list[dict[str, Any]]:
    """Return the ``limit`` largest counts as rows with ``name`` and ``units``."""
    top = counts.sort_values(ascending=False, kind="stable").head(limit)
    return [{name: str(index), "units": int(value)} for index, value in top.items()]
