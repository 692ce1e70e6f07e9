"""Where exported data come from, what they may be used for, and what to cite: stated inside every exported file.

Contains the record and how it is made of a stored session. Add here what every layout must state. How a layout states
it stands in the layout's own folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.reading import SessionView
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
        }


def origin_of(session: SessionView, entry: SourceEntry, release: str, assets: Sequence[str]) -> Origin:
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
    """
    return Origin(
        source=session.source,
        session_id=session.session_id,
        title=entry.title,
        release=release,
        rulebook=session.active_rulebook,
        data_versions={one: session.provenance(one).data_version for one in assets if one in session.assets},
        terms=entry.terms,
        cites=tuple(bibliography()[key].on_one_line() for key in entry.cites),
        made_by=f"nh-platform {version('nh-platform')}",
    )
