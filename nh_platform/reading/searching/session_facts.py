"""What releases state of sessions, as search terms: animal, stimuli, QC, and regions of the released tables.

Contains the terms, the refusal of values that no session has, and the facts by session. Add a term here when a release
states one more fact. What the manifest and the store say is searched in `session_search`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nh_platform.history.released_tables import ASSET, read_released
from nh_platform.session import ConfigError, DamagedFile
from nh_platform.session.tables.catalogue.released import SESSION_FACTS
from nh_platform.sources.registry import sources
from nh_platform.store import Store
from nh_platform.store.names import SOURCE_WIDE

FACTS = [column.name for column in SESSION_FACTS]

LEVELS = ("PASS", "WARNING", "FAIL", "CRITICAL")
"""Levels of a session's QC, from best to worst, where upstream states levels."""

_VALUES_SHOWN = 12
"""Values that a refusal lists."""


@dataclass(frozen=True)
class FactQuery:
    """Conditions on what a release states of a session; None and empty mean anything.

    Parameters
    ----------
    genotype
        Part of it, whatever the case.
    sex, image_set, experience_level
        Exactly so, whatever the case.
    qc
        ``pass``, or another level. Where upstream calls single sessions abnormal, the others pass.
    min_age_days, max_age_days
        Age of the animal, both included.
    min_prior_exposures, max_prior_exposures
        Earlier sessions with the image set, both included.
    """

    genotype: str = ""
    sex: str = ""
    image_set: str = ""
    experience_level: str = ""
    qc: str = ""
    min_age_days: float | None = None
    max_age_days: float | None = None
    min_prior_exposures: float | None = None
    max_prior_exposures: float | None = None

    @property
    def texts(self) -> dict[str, str]:
        """The wanted texts by the name of the fact."""
        names = ("genotype", "sex", "image_set", "experience_level")
        return {name: getattr(self, name) for name in names if getattr(self, name)}

    @property
    def bounds(self) -> dict[str, tuple[float | None, float | None]]:
        """The wanted least and largest numbers by the name of the fact."""
        stated = {
            "age_in_days": (self.min_age_days, self.max_age_days),
            "prior_exposures_to_image_set": (self.min_prior_exposures, self.max_prior_exposures),
        }
        return {name: ends for name, ends in stated.items() if ends != (None, None)}

    @property
    def asked(self) -> list[str]:
        """The facts that are asked for, QC among them."""
        return [*self.texts, *self.bounds, *(["qc"] if self.qc else [])]


@dataclass(frozen=True)
class SessionFacts:
    """What the released tables of a source state of its sessions.

    Parameters
    ----------
    facts
        By session id and name of the fact; None where it is not stated.
    regions
        Channels (units where the release tabulates none) of each session by Beryl region.
    acronyms
        Structures of each session.
    units
        Units of each session that the release tabulates with a structure.
    """

    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    regions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    acronyms: Mapping[str, frozenset[str]] = field(default_factory=dict)
    units: Mapping[str, int] = field(default_factory=dict)

    def of(self, session_id: str) -> dict[str, Any]:
        """Return every fact of a session."""
        stated = self.facts.get(session_id, {})
        return {name: stated.get(name) for name in FACTS}


def session_facts(store: Store, source: str) -> SessionFacts:
    """Return what the stored tables of the release state of the sessions of a source."""
    folder = store.usable(source, SOURCE_WIDE, ASSET)
    if folder is None:
        return SessionFacts()
    try:
        sessions, regions = read_released(folder, "sessions"), read_released(folder, "regions")
    except DamagedFile:  # noted beside the tables; sessions are listed by the catalogue all the same
        return SessionFacts()
    stated = sessions[FACTS].astype(object).where(sessions[FACTS].notna(), None)
    facts = dict(zip(sessions["session_id"], stated.to_dict("records")))
    count = "channels" if len(regions) and regions["channels"].any() else "units"
    named = regions.assign(named=regions["beryl"].where(regions["beryl"].notna(), regions["acronym"]))
    sums = named.groupby(["session_id", "named"])[count].sum()
    by_session: dict[str, dict[str, int]] = {}
    for (session_id, name), number in sums.items():
        by_session.setdefault(str(session_id), {})[str(name)] = int(number)
    acronyms = {str(one): frozenset(part) for one, part in regions.groupby("session_id")["acronym"]}
    units = regions.groupby("session_id")["units"].sum()
    return SessionFacts(facts, by_session, acronyms, {str(one): int(n) for one, n in units.items() if n})


def matches(row: Mapping[str, Any], query: FactQuery) -> bool:
    """Return whether a session, a row with every fact, ``qc`` and ``source``, is as wanted."""
    for name, wanted in query.texts.items():
        if not _is_like(row[name], name, wanted):
            return False
    for name, (least, most) in query.bounds.items():
        value = row[name]
        if value is None or (least is not None and value < least) or (most is not None and value > most):
            return False
    return not query.qc or _level(row) == query.qc.upper()


def refuse_unknown(rows: Sequence[Mapping[str, Any]], query: FactQuery, named: Sequence[str]) -> None:
    """Refuse a value that no session has, and a fact that no source states.

    Parameters
    ----------
    rows
        All sessions that are searched, as of `matches`.
    query
        What is wanted.
    named
        The sources, for the text.

    Raises
    ------
    ConfigError
        With the nearest values there are.
    """
    where = ", ".join(named)
    for name in query.asked:
        said = "QC" if name == "qc" else name.replace("_", " ")
        values = [_level(row) if name == "qc" else row[name] for row in rows]
        known = sorted({value for value in values if value is not None}, key=str)
        if rows and not known:
            raise ConfigError(
                f"search by {said}",
                f"{where} states no {said} of its sessions",
                "Leave it out, or name another source; docs/search.md says which states what, and when.",
            )
        wanted = query.qc.upper() if name == "qc" else query.texts.get(name)
        if not known or wanted is None or any(_is_like(value, name, wanted) for value in known):
            continue
        listed = ", ".join(map(str, known[:_VALUES_SHOWN])) + (" …" if len(known) > _VALUES_SHOWN else "")
        near = _nearest(wanted, known)
        raise ConfigError(f"{said} {wanted!r}", f"no session of {where} has it", f"There are: {listed}.{near}")


def _nearest(wanted: str, known: Sequence[str]) -> str:
    spelled = {value.lower(): value for value in known}
    near = difflib.get_close_matches(wanted.lower(), spelled, n=3, cutoff=0.5)
    return f" Did you mean {', '.join(spelled[one] for one in near)}?" if near else ""


def _is_like(value: Any, name: str, wanted: str) -> bool:
    if value is None:
        return False
    return wanted.lower() in value.lower() if name == "genotype" else wanted.lower() == value.lower()


def _level(row: Mapping[str, Any]) -> str | None:
    """Return the QC of a session as a level; None where upstream states none of it."""
    entry = sources().get(row["source"])
    kind, stated = "" if entry is None else entry.session_qc, row["qc"]
    if kind == "exceptions":
        return "FAIL" if stated else "PASS"
    return stated.upper() if kind == "levels" and stated else None
