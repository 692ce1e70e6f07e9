"""Labels of another curator or tool, imported as evidence beside the reviews of a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home

if TYPE_CHECKING:
    import pandas as pd

    from nh_platform.qc.reviews.curators.label_files import CuratorLabels


@dataclass(frozen=True)
class LabelImport:
    """What an import of labels did, or would do.

    Parameters
    ----------
    curator, session_id
        Whose labels, of which session.
    path
        File of the curator.
    format, tool
        Format of the file, and what made it as far as that is known.
    labelled, n_units
        Units that the file labels, and units of the probes that it speaks of.
    added, replaced, removed
        Labels that are new, others than before, and gone.
    is_changed
        Whether the file of the curator changes at all.
    earlier
        Earlier version that was kept; None where nothing was replaced.
    unknown
        Ids of the file that are no units, where they may be left out.
    notes
        What was merged or left out, in words.
    counts
        How often each label was given: ``label_set``, ``label``, ``units``.
    agreement
        As of `nh_platform.qc.reviews.curators.label_agreement.agreement_table`.
    """

    curator: str
    session_id: str
    path: Path
    format: str
    tool: str
    labelled: int
    n_units: int
    added: int
    replaced: int
    removed: int
    is_changed: bool
    earlier: Path | None
    unknown: tuple[str, ...]
    notes: tuple[str, ...]
    counts: pd.DataFrame
    agreement: pd.DataFrame


def import_labels(
    home: Home,
    file: Path,
    source: str,
    session: str,
    curator: str,
    *,
    probe: str | None = None,
    form: str | None = None,
    columns: Sequence[str] = (),
    tool: str = "",
    version: str = "",
    date: dt.date | None = None,
    good: Sequence[str] = (),
    skip_unknown: bool = False,
    dry_run: bool = False,
) -> LabelImport:
    """Import the labels of another curator or tool for the units of a session.

    They are evidence: `units` gets them as columns, a rulebook may name one, and they decide nothing by themselves.

    Parameters
    ----------
    home
        Home folder.
    file
        File of labels.
    source, session
        Whose units; a session by its id or first characters.
    curator
        Who or what labelled, in small letters, digits, ``-`` and ``_``.
    probe
        Probe that was curated; needed where the file has cluster ids and the session several probes.
    form
        ``phy``, ``spikeinterface``, ``bombcell``, ``unitrefine`` or ``table``; recognised where None.
    columns
        Of a table, the columns that are labels; those of its format where none is given.
    tool, version
        What made the labels, where the file does not say it.
    date
        Day of the labels.
    good
        Labels that mean a good unit, for the table of agreement; well-known words are known.
    skip_unknown
        Leave out ids that are no units, and record them, in place of a refusal.
    dry_run
        Say what would change, and write nothing.

    Raises
    ------
    ConfigError
        If the file cannot be used, or an id is unknown or stands twice with different labels.
    UnknownSession
        If the session is not stored.
    """
    from nh_platform.qc.reviews.curators.label_agreement import agreement_table, label_counts, votes_of_units
    from nh_platform.qc.reviews.curators.label_files import (
        labels_folder,
        read_all_labels,
        read_labels,
        require_curator,
    )
    from nh_platform.qc.reviews.curators.label_importing import save_labels, with_import
    from nh_platform.qc.reviews.curators.reading import read_label_file
    from nh_platform.qc.reviews.curators.unit_matching import match_labels
    from nh_platform.qc.rules.rulebook import load_rulebook

    require_curator(curator)
    with open_home(home) as at:
        platform = at.platform
        session_id, units = sorted_units(at, source, session)
        stated = read_label_file(file, form, columns)
        stated = replace(stated, tool=tool or stated.tool, version=version or stated.version)
        where = f"{source} session {session_id}"
        matched = match_labels(stated, units, where, probe=probe, skip_unknown=skip_unknown)
        folder = labels_folder(platform.settings.reviews, source, session_id)
        path = folder / f"{curator}.yaml"
        before = read_labels(path)
        change = with_import(
            before,
            stated,
            matched,
            units,
            source=source,
            session_id=session_id,
            curator=curator,
            date=date,
            good=good,
        )
        others = read_all_labels(folder)
        earlier = None if dry_run else save_labels(path, change, before)
        imported = _of_this_file(change.after, stated.sha256)
        votes = votes_of_units(judged_units(at, source, session_id), load_rulebook(platform.config(source).rulebook))
    return LabelImport(
        curator=curator,
        session_id=session_id,
        path=path,
        format=stated.format,
        tool=stated.tool,
        labelled=len(matched.labels),
        n_units=int(units["probe"].astype(str).isin(matched.probes).sum()),
        added=change.added,
        replaced=change.replaced,
        removed=change.removed,
        is_changed=change.is_changed,
        earlier=earlier,
        unknown=matched.unknown,
        notes=matched.notes,
        counts=label_counts(imported),
        agreement=agreement_table(imported, others, votes),
    )


def sorted_units(at: OpenHome, source: str, session: str) -> tuple[str, pd.DataFrame]:
    """Return the id of a stored session, and its units as they were sorted (schema `RAW_UNITS`).

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the session is not stored, or its spikes are not.
    """
    from nh_platform.operations.upkeep.stored_sessions import stored_session
    from nh_platform.session import UnknownSession
    from nh_platform.store.codecs.parquet import read_table

    at.platform.entry(source)
    session_id = stored_session(at.platform.store, source, session)
    folder = at.platform.store.current(source, session_id, "raw_spikes")
    if folder is None:
        raise UnknownSession(
            f"{source} session {session_id}",
            "its spikes are not stored, so that no unit can be looked up",
            f"Run `nh materialize {source} {session_id}` first.",
        )
    return session_id, read_table(folder / "units.parquet")


def judged_units(at: OpenHome, source: str, session_id: str) -> pd.DataFrame:
    """Return the units of a session with all that is said of them (schema `UNITS`); none where they are not made."""
    from nh_platform.session.tables.units import UNITS
    from nh_platform.store.codecs.parquet import read_table

    folder = at.platform.store.current(source, session_id, "units")
    return UNITS.empty() if folder is None else read_table(folder / "units.parquet")


def _of_this_file(said: CuratorLabels, sha256: str) -> CuratorLabels:
    """Return the label sets and units of one file of a curator."""
    parts = [one for one in said.imports if one.sha256 == sha256]
    names = {name for one in parts for name in one.label_sets}
    probes = {one.probe for one in parts}
    return said.model_copy(
        update={
            "label_sets": [one for one in said.label_sets if one.name in names],
            "units": [unit for unit in said.units if unit.probe in probes],
        }
    )
