"""Where exported data come from, what they may be used for, and what to cite: stated inside every exported file.

Contains the record and how it is made of a stored session. Add here what every layout must state. How a layout states
it stands in the layout's own folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.rules.methods import cited
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError
from nh_platform.sources.entry import SourceEntry


@dataclass(frozen=True)
class Origin:
    """Origin, terms and citations of one exported session. No clock time: the same data give the same bytes.

    Parameters
    ----------
    source, session_id
        The session.
    title
        Title of the data set.
    release
        Release that was synced last; empty where none was.
    rulebook
        Rulebook of the verdicts; empty where units were not judged.
    data_versions
        Data version of every asset that was read, by its name.
    terms
        What the data may be used for.
    cites
        What whoever uses them cites, one work each.
    made_by
        This package and its version.
    description
        What the data set is, in a sentence.
    organisation
        Who made the recordings.
    license
        Address of the terms; empty where none is known.
    subject, lab, recorded
        Animal, laboratory and day (``YYYY-MM-DD``) of the session; empty where upstream states none.
    rulebook_cites
        What the rulebook cites, one work each.
    units
        Which units are in it: ``all``, ``good`` by the rulebook that was active, or the id of a rulebook.
    """

    source: str
    session_id: str
    title: str
    release: str
    rulebook: str
    data_versions: dict[str, str]
    terms: str
    cites: tuple[str, ...]
    made_by: str
    description: str = ""
    organisation: str = ""
    license: str = ""
    subject: str = ""
    lab: str = ""
    recorded: str = ""
    rulebook_cites: tuple[str, ...] = ()
    units: str = "all"

    def to_json(self) -> str:
        """Return the record as one JSON text with sorted keys."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    def to_texts(self) -> dict[str, str]:
        """Return the record as texts by name, for attributes of a file; lists are one work or asset per line."""
        return {
            "source": self.source,
            "session_id": self.session_id,
            "title": self.title,
            "release": self.release,
            "rulebook": self.rulebook,
            "data_versions": "\n".join(f"{name}: {one}" for name, one in sorted(self.data_versions.items())),
            "terms": self.terms,
            "cites": "\n".join(self.cites),
            "made_by": self.made_by,
            "description": self.description,
            "organisation": self.organisation,
            "license": self.license,
            "subject": self.subject,
            "lab": self.lab,
            "recorded": self.recorded,
            "rulebook_cites": "\n".join(self.rulebook_cites),
            "units": self.units,
        }


def origin_of(
    session: SessionView,
    entry: SourceEntry,
    release: str,
    assets: Sequence[str],
    units: str = "all",
    rulebooks: Mapping[str, str] | None = None,
) -> Origin:
    """Return the origin of a session's exported data.

    Parameters
    ----------
    session
        The session.
    entry
        Entry of its source.
    release
        Release that was synced last.
    assets
        Assets that are read; those that are not stored are left out.
    units
        Which units are in it: ``all``, ``good`` by the active rulebook, or the id of a rulebook.
    rulebooks
        Name or path of each configured rulebook, by its id.
    """
    rulebook = session.active_rulebook if units in ("all", "good") else units
    return Origin(
        source=session.source,
        session_id=session.session_id,
        title=entry.title,
        release=release,
        rulebook=rulebook,
        data_versions={one: session.provenance(one).data_version for one in assets if one in session.assets},
        terms=entry.terms,
        cites=tuple(bibliography()[key].on_one_line() for key in entry.cites),
        made_by=f"nh-platform {version('nh-platform')}",
        description=entry.description,
        organisation=entry.organisation,
        license=entry.license,
        subject=session.info.subject,
        lab=session.info.lab,
        recorded=session.info.date,
        rulebook_cites=works_of_rulebook((rulebooks or {}).get(rulebook, rulebook)),
        units=units,
    )


def works_of_rulebook(rulebook: str) -> tuple[str, ...]:
    """Return what a rulebook cites, one work each; nothing where it is empty or no file of it is at hand."""
    try:
        keys = cited(load_rulebook(rulebook)) if rulebook else []
    except ConfigError:  # units were judged by a lab's own rulebook whose file was moved since
        return ()
    return tuple(bibliography()[key].on_one_line() for key in keys)
