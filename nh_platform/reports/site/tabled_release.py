"""The material of a release's site from a table of units alone: what upstream published, without any session stored.

Contains how the units of such a table find their session, animal, lab and day. Add here another upstream name of one of
them. What the store holds is `stored_release.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest
from nh_platform.qc.rules.rule_columns import MissingColumn, rule_values
from nh_platform.qc.rules.rulebook_model import Rulebook, ValueSource
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.units_file import UNIT_COLUMNS, first_column
from nh_platform.reports.site.counts.changes import ReleaseChanges
from nh_platform.reports.site.counts.judged_units import joined, judge_units
from nh_platform.reports.site.material import MADE, NOT_MADE, SESSION_COLUMNS, SiteMaterial
from nh_platform.reports.site.sampled_units import SampledUnits
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.sources.anatomy.regions import regions_of_acronyms

INSERTION_COLUMNS = ("insertion_id", "pid", "ecephys_probe_id", "probe_id")
SESSION_COLUMNS_STATED = ("session_id", "eid", "ecephys_session_id")
PROBE_COLUMNS = ("probe", "probe_name")
FACT_COLUMNS = {"subject": ("subject",), "lab": ("lab",), "date": ("date",)}

_NO_PAGE = "only tables of the release are here: no spikes, and so no page of the session"
_ALONE = "Only a table of units is here: {what}."


def tabled_material(
    units: pd.DataFrame,
    source: str,
    rulebook: Rulebook,
    others: Sequence[Rulebook] = (),
    *,
    manifest: Manifest | None = None,
    name: str = "",
    value_source: ValueSource | None = None,
    changes: ReleaseChanges | None = None,
    changes_lacking: str = "",
) -> SiteMaterial:
    """Make the material of a site from one table of units.

    Parameters
    ----------
    units
        Columns as upstream names them, or as `nh_platform.session.tables.catalogue.released.RELEASED_UNITS` has them.
        The insertion may be the first level of the index.
    source, rulebook, others, value_source
        The source, the rules in force, those that they are compared with, and which values they read.
    manifest
        The release that the units are of: it says the session, animal, lab and day of every insertion, and units of
        insertions that it does not list are left out. Where None, the table says all that is known.
    name
        Name of the table, for texts.
    changes, changes_lacking
        As of `SiteMaterial`.

    Raises
    ------
    ConfigError
        If the manifest lists none of the table's insertions or sessions, or the table has a column for no rule.
    """
    placed, sessions, notes = _placed(units, manifest, name)
    kept, absent = _judging(placed, rulebook, value_source, notes)
    used = [book for book in others if book.rules and _can_judge(placed, book, value_source, notes)]
    judged = judge_units(placed, kept, used, value_source=value_source)
    judged = joined([judged], kept, used)
    here = set(judged["session_id"])
    sessions["standing"] = [MADE if one in here else NOT_MADE for one in sessions["session_id"]]
    sessions["why"] = ["" if one in here else "no unit of it is in the table" for one in sessions["session_id"]]
    sessions["report"], sessions["report_lacking"] = "", _NO_PAGE
    release = name if manifest is None else manifest.release
    content = version_of(str(value) for value in pd.util.hash_pandas_object(judged, index=False))
    notes.append("Metrics are the released ones: without spikes none was recomputed.")
    return SiteMaterial(
        source=source,
        release=release,
        version=version_of((release, content, rulebook.content_version())),
        units=judged,
        sessions=sessions[list(SESSION_COLUMNS)],
        rulebook=kept,
        others=used,
        rules_left_out=absent,
        agreement_lacking=_ALONE.format(what="nothing is recomputed without spikes"),
        changes=changes,
        changes_lacking=changes_lacking or _ALONE.format(what="the release before it is not known"),
        reviews_lacking=_ALONE.format(what="reviews are of stored sessions"),
        reconciliation_lacking=_ALONE.format(
            what="published counts are compared by `nh inventory`, on stored sessions"
        ),
        sample=SampledUnits(lacking=_ALONE.format(what="how units fire is read from spikes")),
        notes=tuple(notes),
    )


def _placed(units: pd.DataFrame, manifest: Manifest | None, name: str) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Return the units with session, probe and id, one row per session, and what was found of it."""
    notes: list[str] = []
    first, last = (pd.Series(units.index.get_level_values(level).astype(str)) for level in (0, -1))
    table = units.reset_index(drop=True)
    insertion = _texts(table, INSERTION_COLUMNS)
    session = _texts(table, SESSION_COLUMNS_STATED)
    if insertion is None and session is None and units.index.nlevels > 1:
        insertion = first
    probe = _texts(table, PROBE_COLUMNS)
    unit = _texts(table, UNIT_COLUMNS)
    unit = last if unit is None else unit
    if manifest is not None and insertion is not None:
        listed = manifest.insertions.drop_duplicates("insertion_id").set_index("insertion_id")
        session = insertion.map(listed["session_id"]) if session is None else session
        probe = insertion.map(listed["probe"]) if probe is None else probe
    if session is None and insertion is not None:
        session = insertion
        notes.append(f"{name or 'The table'} names insertions and no session: each insertion counts as a session.")
    if session is None:
        session = pd.Series(name or "this table", index=table.index)
        notes.append(f"{name or 'The table'} names neither session nor insertion: all its units count as one session.")
    probe = probe if probe is not None else (insertion if insertion is not None else pd.Series("", index=table.index))
    table["session_id"], table["probe"], table["unit_id"] = session, probe.fillna(""), unit
    if "acronym" in table:
        _locate(table)
    if manifest is not None:
        table = _of_release(table, manifest, insertion, name, notes)
    table = table.reset_index(drop=True)
    facts = {fact: _texts(table, names) for fact, names in FACT_COLUMNS.items()}
    return table, _sessions(table, manifest, facts), notes


def _locate(table: pd.DataFrame) -> None:
    """Add what follows from the structure of a unit, where the table lacks it: Beryl region, Allen's id.

    Structures as upstream has them are layers of the cortex: too fine for rates of a whole release.
    """
    known = table["acronym"].astype(object).unique()
    found = regions_of_acronyms(known)
    for name, values in (("beryl", found["beryl"]), ("ecephys_structure_id", found["atlas_id"].replace(0, np.nan))):
        if name not in table:
            table[name] = table["acronym"].map(dict(zip(known, values)))


def _of_release(
    table: pd.DataFrame, manifest: Manifest, insertion: pd.Series | None, name: str, notes: list[str]
) -> pd.DataFrame:
    """Return the units whose session and insertion the release lists; how many others there are is noted."""
    keep = table["session_id"].isin(set(manifest.sessions["session_id"]))
    if insertion is not None and len(manifest.insertions):
        keep &= insertion.isin(set(manifest.insertions["insertion_id"]))
    if len(table) and not keep.any():
        found = f"none of its {counted(len(table), 'unit')} is of a session or insertion that {manifest.release} lists"
        raise ConfigError(f"units {name}".strip(), found, "Name the release that it is of, or none.")
    if not keep.all():
        left = table.loc[~keep] if insertion is None else insertion[~keep]
        what = f", of {counted(left.nunique(), 'insertion')}" if insertion is not None else ""
        notes.append(f"{counted(int((~keep).sum()), 'unit')}{what}, is not of {manifest.release} and is left out.")
    return table[keep]


def _sessions(table: pd.DataFrame, manifest: Manifest | None, facts: dict[str, pd.Series | None]) -> pd.DataFrame:
    """Return a row per session of the release, or of the table where no release is named."""
    first = {
        fact: pd.Series(texts.to_numpy(), index=table["session_id"]).groupby(level=0).first()
        for fact, texts in facts.items()
        if texts is not None
    }
    if manifest is None:
        per_session = table.groupby("session_id", sort=True)["probe"].nunique()
        sessions = pd.DataFrame({"session_id": per_session.index, "insertions": per_session.to_numpy()})
        stated = dict.fromkeys(FACT_COLUMNS, pd.Series("", index=sessions.index))
    else:
        sessions = manifest.sessions[["session_id"]].astype(str).reset_index(drop=True)
        counts = manifest.insertions.groupby("session_id").size()
        sessions["insertions"] = sessions["session_id"].map(counts).fillna(0).astype("int64")
        stated = {fact: manifest.sessions[fact].reset_index(drop=True) for fact in FACT_COLUMNS}
    for fact in FACT_COLUMNS:
        texts = stated[fact].astype(object).where(stated[fact].notna(), "")
        if fact in first:
            texts = texts.where(texts != "", sessions["session_id"].map(first[fact]))
        sessions[fact] = texts.fillna("").astype(str)
    return sessions


def _texts(table: pd.DataFrame, names: Sequence[str]) -> pd.Series | None:
    column = first_column(table, names)
    return None if column is None else table[column].astype(object).where(table[column].notna(), "").astype(str)


def _first_part(text: str) -> str:
    """Return what a table lacks without the list of all that it has."""
    return text.split(";")[0]


def _judging(
    units: pd.DataFrame, rulebook: Rulebook, value_source: ValueSource | None, notes: list[str]
) -> tuple[Rulebook, tuple[str, ...]]:
    """Return a rulebook without the rules that the table has no column for, and their ids; a note names each.

    Held against them by the rule for missing values, every unit would fail, and no number would say anything.

    Raises
    ------
    MissingColumn
        If the table has a column for none of them.
    """
    kept, absent = [], {}
    for rule in rulebook.rules:
        try:
            rule_values(units, rulebook, rule, value_source, "error")
        except MissingColumn as error:
            absent[rule.id] = error
        else:
            kept.append(rule)
    if absent and not kept:
        raise next(iter(absent.values()))
    notes += [f"Rule {name} is left out: {_first_part(error.found)}." for name, error in absent.items()]
    return rulebook.model_copy(update={"rules": kept}), tuple(absent)


def _can_judge(units: pd.DataFrame, book: Rulebook, value_source: ValueSource | None, notes: list[str]) -> bool:
    """Return whether the table has what another rulebook reads; what it lacks is noted."""
    try:
        apply_rulebook(units.head(1), book, value_source=value_source)
    except MissingColumn as error:
        notes.append(f"The rules in force are not compared with {book.id}: {_first_part(error.found)}.")
        return False
    return True
