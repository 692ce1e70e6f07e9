"""Decisions of a session as other tools read them, for the desk's links: a curation of SpikeInterface, phy's groups.

Contains which file an address gives; `nh_platform.qc.reviews.curators.label_exporting` writes them, and the command
`nh review export` has more choices.
"""

from __future__ import annotations

from dataclasses import dataclass

from nh_platform.qc.reviews.curators.label_exporting import to_curation, to_phy
from nh_platform.reports.desk.settings import Desk
from nh_platform.session import ConfigError
from nh_platform.store.codecs.parquet import read_table

FORMS = ("spikeinterface", "phy")


@dataclass(frozen=True)
class Exported:
    """A file: its name, media type and text."""

    name: str
    kind: str
    text: str


def export(desk: Desk, source: str, session_id: str, form: str, probe: str = "") -> Exported:
    """Return the decisions on the units of a session, as they were stored last, in a form of another tool.

    Parameters
    ----------
    desk, source, session_id
        Whose decisions.
    form
        ``spikeinterface`` (the whole session by unit id), or ``phy`` (``cluster_group.tsv`` of one probe).
    probe
        Probe of the phy file.

    Raises
    ------
    ConfigError
        If there is no such form or probe, or the desk is read blindly.
    UnknownSession
        If no units are stored.
    """
    if desk.blind:
        found = "an export holds what everybody decided, and this desk is read blindly"
        raise ConfigError("export", found, f"Use nh review export {source} {session_id}.")
    if form not in FORMS:
        raise ConfigError(f"export {form!r}", "there is no such form", f"Use one of: {', '.join(FORMS)}.")
    units = read_table(desk.platform.store.folder(source, session_id, "units") / "units.parquet")
    book = desk.rulebook(source).id
    if form == "spikeinterface":
        text = to_curation(units, book)
        return Exported(f"{source}-{session_id}-curation.json", "application/json", text)
    own = units[units["probe"].astype(str) == probe]
    if not len(own):
        there = ", ".join(sorted(units["probe"].astype(str).unique())) or "none"
        raise ConfigError(f"probe {probe!r}", f"the session has no such probe; it has {there}", "Name one of them.")
    text = to_phy(own, book)["cluster_group.tsv"]
    return Exported("cluster_group.tsv", "text/tab-separated-values", text)
