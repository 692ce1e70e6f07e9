"""Spikes of chosen units of many sessions, of one source or several, exported as one pack."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError, StoreError, UnknownSession

if TYPE_CHECKING:
    from nh_platform.exports.origin import Origin
    from nh_platform.exports.spike_pack.pack_selection import PackPart
    from nh_platform.reading import SessionView

PACK, VERSION = "spikes", "3"
"""Name of the folder of a pack in that of the export, and of its layout; the version moves when its bytes do."""


@dataclass(frozen=True)
class SpikePack:
    """What became of a pack.

    Parameters
    ----------
    folder
        Folder of its files.
    sessions
        Sessions of which units are in it, by source.
    n_units, n_spikes, n_bytes
        What it holds, or would.
    empty
        Sessions of which no unit was chosen, as ``source/session``.
    failed
        Why a session is not in it, by ``source/session``.
    is_current
        Whether it was made of the same data before, and was left alone.
    set_aside
        Sessions that reviewers set aside and that are left out, by whom and why, by ``source/session``.
    noted
        Sessions that are taken although reviewers set them aside, by whom and why, by ``source/session``.
    """

    folder: Path
    sessions: dict[str, int] = field(default_factory=dict)
    n_units: int = 0
    n_spikes: int = 0
    n_bytes: int = 0
    empty: tuple[str, ...] = ()
    failed: dict[str, NhError] = field(default_factory=dict)
    is_current: bool = False
    set_aside: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)


def export_spike_pack(
    home: Home,
    sources: Sequence[str],
    folder: Path,
    sessions: Sequence[str] | None = None,
    *,
    units: str = "good",
    region: str = "",
    again: bool = False,
    dry_run: bool = False,
    with_set_aside: bool = False,
    on_progress: OnProgress = unwatched,
) -> SpikePack:
    """Write the spikes of chosen units as one set of arrays, which are read without loading them.

    Parameters
    ----------
    home
        Home folder.
    sources
        Sources, one or several.
    folder
        Folder to write into: one that is empty or not there yet, or that holds a pack, which is replaced whole.
    sessions
        Session ids, or the first characters of each, of any of the sources; every stored session where None,
        without those that reviewers set aside.
    units
        ``good`` by the active rulebook of each source, ``all``, or the id of a rulebook.
    region
        Only units in it: an acronym of the Allen CCF, Beryl or Cosmos with all below it, or V1, LM, LGN, ….
    again
        Also write a pack that is current.
    dry_run
        Say how large it would be, and write nothing.
    with_set_aside
        Take sessions too that reviewers set aside.
    on_progress
        Called for each session.

    Returns
    -------
    SpikePack
        A session whose spikes or units are missing or unusable is named there, and the others go on.

    Raises
    ------
    ConfigError
        If there is no such source or region, no choice of units, or the folder holds something else.
    UnknownSession
        If a session is in the store of none of the sources, or a source has none that is not set aside.
    StoreError
        If no unit is chosen, or the disk is too small for the pack.
    """
    from nh_platform.exports.data_card.card_files import write_card
    from nh_platform.exports.export_folder import ExportFolder
    from nh_platform.exports.layout import check_units
    from nh_platform.exports.spike_pack.pack_files import pack_bytes, write_pack

    check_units(units)
    with open_home(home) as at:
        target = ExportFolder(Path(folder), PACK)
        chosen = _choose(at, sources, sessions, units, region, with_set_aside, on_progress)
        table = chosen.table()
        found = SpikePack(
            target.folder / PACK,
            chosen.sessions(),
            len(table),
            int(table["n_spikes"].sum()),
            pack_bytes(table),
            tuple(chosen.empty),
            chosen.failed,
            set_aside=chosen.set_aside,
            noted=chosen.noted,
        )
        if not found.n_units:
            raise _nothing(units, region, found)
        identity = _identity(chosen.origins, units, region)
        if dry_run:
            return found
        with target.alone():
            if not again and target.is_current(PACK, identity):
                write_card(target.folder)
                return replace(found, is_current=True)
            _require_room(target.folder, found.n_bytes)
            told = lambda done: on_progress(Progress("writing spikes", done, len(chosen.parts), ""))  # noqa: E731
            with target.writing(PACK, identity, chosen.origins) as fresh:
                lost = write_pack(fresh, chosen.parts, chosen.origins, told)
                if len(lost) == len(chosen.parts):
                    raise next(iter(lost.values()))
            if lost:
                kept = [one for place, one in enumerate(chosen.origins) if place not in lost]
                target.restate(PACK, "incomplete", kept)
            write_card(target.folder)
        return found if not lost else _without(found, chosen, lost)


@dataclass
class _Chosen:
    parts: list[PackPart] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)
    empty: list[str] = field(default_factory=list)
    failed: dict[str, NhError] = field(default_factory=dict)
    set_aside: dict[str, str] = field(default_factory=dict)
    noted: dict[str, str] = field(default_factory=dict)

    def table(self):  # type: ignore[no-untyped-def]
        import pandas as pd

        from nh_platform.session.tables.across_sessions.spike_pack import PACK_UNITS

        return pd.concat([PACK_UNITS.empty(), *(one.units for one in self.parts)], ignore_index=True)

    def sessions(self) -> dict[str, int]:
        names = [one.source for one in self.origins]
        return {name: names.count(name) for name in dict.fromkeys(names)}


def _choose(
    at: OpenHome,
    sources: Sequence[str],
    sessions: Sequence[str] | None,
    units: str,
    region: str,
    with_set_aside: bool,
    on_progress: OnProgress,
) -> _Chosen:
    from nh_platform.exports.origin import origin_of
    from nh_platform.exports.spike_pack.pack_selection import READ, pack_part
    from nh_platform.sources.anatomy.region_names import find_region

    if not sources:
        raise ConfigError("nh export spikes", "no source is named", f"Name one of {', '.join(at.platform.entries)}.")
    chosen = _Chosen()
    wanted = _wanted(at, list(dict.fromkeys(sources)), sessions, with_set_aside, chosen)
    for number, (source, session_id, opened) in enumerate(wanted):
        on_progress(Progress("choosing units", number, len(wanted), session_id))
        name = f"{source}/{session_id}"
        entry, config = at.platform.entry(source), at.platform.config(source)
        try:
            place = find_region(region, entry.region_names) if region else None
            part = pack_part(opened, units, place)
            if not len(part.rows):
                chosen.empty.append(name)
                continue
            rulebooks = dict(zip(config.rulebook_ids, config.rulebooks))
            release = at.platform.manifest(source).release
            origin = origin_of(opened(), entry, release, READ, units, rulebooks)
        except ConfigError:
            raise
        except NhError as error:
            chosen.failed[name] = error
            continue
        chosen.parts.append(part)
        chosen.origins.append(origin)
    return chosen


def _wanted(
    at: OpenHome, sources: Sequence[str], sessions: Sequence[str] | None, with_set_aside: bool, chosen: _Chosen
) -> list[tuple[str, str, Callable[[], SessionView]]]:
    """Return source, id and opener of each session that is asked for, by source and id.

    Where none is, of all stored ones that are not set aside; ``chosen`` takes what is said of those that are.
    """
    from nh_platform.home.set_aside import sessions_in_use
    from nh_platform.reading import SessionView, open_store

    for source in sources:
        at.platform.entry(source)
    platform = at.platform
    stored = {source: platform.store.sessions(source) for source in sources}
    for source, ids in stored.items():
        if not ids and not sessions:
            raise UnknownSession(f"source {source}", "no session is stored", f"Run `nh materialize {source} --all`.")
    if sessions:
        store = open_store(platform.settings.home)
        found: dict[str, set[str]] = {source: set() for source in sources}
        for asked in sessions:
            errors: list[UnknownSession] = []
            for source in sources:
                try:
                    found[source].add(store.session(source, asked).session_id)
                except UnknownSession as error:
                    errors.append(error)
            if len(errors) == len(sources):
                raise errors[0]
        stored = {source: sorted(ids) for source, ids in found.items()}
    for source, ids in stored.items():
        in_use = sessions_in_use(platform, source, ids, are_named=bool(sessions), with_set_aside=with_set_aside)
        stored[source] = list(in_use.ids)
        chosen.set_aside |= {f"{source}/{one}": words for one, words in in_use.left_out.items()}
        chosen.noted |= {f"{source}/{one}": words for one, words in in_use.noted.items()}
    return [
        (source, one, partial(SessionView, platform.store, source, one))
        for source, ids in stored.items()
        for one in ids
    ]


def _identity(origins: Sequence[Origin], units: str, region: str) -> str:
    made_of = [VERSION, [one.to_json() for one in origins], units, region]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def _nothing(units: str, region: str, found: SpikePack) -> NhError:
    """Return the error that no unit is chosen, or why the one session that was asked for cannot be used."""
    if found.failed and not found.empty:
        return next(iter(found.failed.values()))
    place = f" in {region}" if region else ""
    what = f"none of its units{place} is chosen by --units {units}"
    action = "Take another region, `--units all`, or more sessions."
    return StoreError(f"selection of {len(found.empty) + len(found.failed)} sessions", what, action)


def _require_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        what = f"the pack takes {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
        raise StoreError(str(folder), what, "Take another folder, or fewer sessions.")


def _without(found: SpikePack, chosen: _Chosen, lost: dict[int, NhError]) -> SpikePack:
    """Return what is in a pack whose spikes could not be read of some sessions."""
    from nh_platform.exports.spike_pack.pack_files import pack_bytes

    names = {place: f"{one.source}/{one.session_id}" for place, one in enumerate(chosen.origins)}
    kept = [place for place in names if place not in lost]
    left = _Chosen([chosen.parts[one] for one in kept], [chosen.origins[one] for one in kept])
    table = left.table()
    failed = {**found.failed, **{names[place]: error for place, error in lost.items()}}
    return replace(
        found,
        sessions=left.sessions(),
        n_units=len(table),
        n_spikes=int(table["n_spikes"].sum()),
        n_bytes=pack_bytes(table),
        failed=failed,
    )
