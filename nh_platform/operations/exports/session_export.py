"""Sessions exported one by one, each file whole or not at all; what is current is left alone, what fails is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nh_platform.operations.opened_home import Home, OnProgress, OpenHome, Progress, open_home, unwatched
from nh_platform.session import ConfigError, NhError, UnknownSession
from nh_platform.session.errors import close_matches

if TYPE_CHECKING:
    from nh_platform.exports.export_folder import ExportFolder
    from nh_platform.exports.layout import Layout
    from nh_platform.exports.origin import Origin
    from nh_platform.home.set_aside import SessionsInUse
    from nh_platform.reading import SessionView


@dataclass(frozen=True)
class SessionsExport:
    """What became of an export.

    Parameters
    ----------
    folder
        The folder.
    written
        Paths of the files that were written, or would be, from the folder, by session.
    current
        Sessions whose file was made of the same data before and was left alone.
    left_out
        Sentences of what is not in a session's file, by session.
    failed
        Why a session could not be exported, by session.
    set_aside
        Sessions that reviewers set aside and that are left out, by whom and why.
    noted
        Sessions that are taken although reviewers set them aside, by whom and why.
    """

    folder: Path
    written: Mapping[str, str] = field(default_factory=dict)
    current: tuple[str, ...] = ()
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: Mapping[str, NhError] = field(default_factory=dict)
    set_aside: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)


def export_sessions(
    home: Home,
    layout: str,
    source: str,
    folder: Path,
    sessions: Sequence[str] | None = None,
    *,
    units: str = "all",
    options: Mapping[str, Any] | None = None,
    again: bool = False,
    dry_run: bool = False,
    with_set_aside: bool = False,
    on_progress: OnProgress = unwatched,
) -> SessionsExport:
    """Write one file per session in a layout that other tools read.

    Parameters
    ----------
    home
        Home folder.
    layout
        Name of the layout (`nh_platform.exports.layouts`), for example ``torch-brain``.
    source
        Source.
    folder
        Folder to write into: one that is empty or not there yet, or that an export in this layout wrote into before.
        Files that are current are left alone, so that an export that was stopped goes on.
    sessions
        Session ids, or the first characters of each; every stored session where None, without those that reviewers
        set aside.
    units
        ``all``, ``good`` for those that pass the active rulebook, or the id of a rulebook for those that pass that.
    options
        Options of the layout by name.
    again
        Also write files that are current.
    dry_run
        Say what would be written, and write nothing.
    with_set_aside
        Export sessions too that reviewers set aside.
    on_progress
        Called for each session.

    Returns
    -------
    SessionsExport
        A session that cannot be exported is named there with the reason, and the others go on.

    Raises
    ------
    ConfigError
        If there is no such layout, source or option, no choice of units, or the folder holds something else.
    UnknownSession
        If a session is not in the store, or the store holds none of the source, or none that is not set aside.
    StoreError
        If the disk is full, or the folder cannot be read or written.
    """
    from nh_platform.exports.data_card.card_files import write_card
    from nh_platform.exports.export_folder import ExportFolder
    from nh_platform.exports.layout import check_units
    from nh_platform.exports.layouts import find_layout
    from nh_platform.store.durable import disk_in_words

    check_units(units)
    chosen = find_layout(layout)
    used = {**chosen.options, **(options or {})}
    if unknown := sorted(set(used) - set(chosen.options)):
        near = close_matches(unknown[0], chosen.options)
        raise ConfigError(f"option {unknown[0]!r}", f"the layout {layout} has no such option", f"Leave it out.{near}")
    with open_home(home) as at:
        views, in_use = _stored(at, source, sessions, with_set_aside)
        if chosen.settle is not None:
            used = dict(chosen.settle(used, at.platform.settings.home))
        target = ExportFolder(Path(folder), layout)
        job = _Job(at, chosen, target, units, used, again=again, dry_run=dry_run, on_progress=on_progress)
        aside = {one: words + _earlier_file(target, source, one) for one, words in in_use.left_out.items()}
        if dry_run:
            return replace(job.run(views), set_aside=aside, noted=in_use.noted)
        with target.alone():
            done = replace(job.run(views), set_aside=aside, noted=in_use.noted)
            if chosen.finish is not None and (done.written or done.current):
                with disk_in_words(target.folder):
                    beside = chosen.finish(target.folder)
                target.restate_beside(beside)
            if target.made:
                write_card(target.folder)
        return done


@dataclass(frozen=True)
class _Job:
    at: OpenHome
    layout: Layout
    target: Any
    units: str
    options: Mapping[str, Any]
    again: bool
    dry_run: bool
    on_progress: OnProgress

    def run(self, views: Sequence[SessionView]) -> SessionsExport:
        written: dict[str, str] = {}
        left_out: dict[str, tuple[str, ...]] = {}
        failed: dict[str, NhError] = {}
        current: list[str] = []
        for number, view in enumerate(views):
            self.on_progress(Progress("sessions", number, len(views), view.session_id))
            try:
                path, notes = self._export(view)
            except NhError as error:
                failed[view.session_id] = error
                continue
            if path is None:
                current.append(view.session_id)
                continue
            written[view.session_id] = path
            if notes:
                left_out[view.session_id] = notes
        self.on_progress(Progress("sessions", len(views), len(views), "done"))
        return SessionsExport(self.target.folder, written, tuple(current), left_out, failed)

    def _export(self, view: SessionView) -> tuple[str | None, tuple[str, ...]]:
        """Write one session; the path is None where its file is current."""
        from nh_platform.exports.layout import Request, chosen_rows
        from nh_platform.exports.origin import origin_of

        for asset in self.layout.assets:
            view.folder(asset)  # Says what makes it, or why it is not made.
        release = self.at.platform.manifest(view.source).release
        entry = self.at.platform.entry(view.source)
        config = self.at.platform.config(view.source)
        rulebooks = dict(zip(config.rulebook_ids, config.rulebooks))
        assets = (*self.layout.assets, *self.layout.also)
        origin = origin_of(view, entry, release, assets, self.units, rulebooks)
        rows = chosen_rows(view, self.units)
        path, identity = self.layout.place(view), self._identity(origin)
        if not self.again and self.target.is_current(path, identity):
            return None, ()
        if self.dry_run:
            return path, ()
        request = Request(origin, rows, self.options, self.at.platform.settings.home)
        with self.target.writing(path, identity, [origin]) as fresh:
            notes = self.layout.write(view, fresh, request)
        return path, notes

    def _identity(self, origin: Origin) -> str:
        made_of = [self.layout.name, self.layout.version, origin.to_json(), self.units, dict(self.options)]
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()


def _stored(
    at: OpenHome, source: str, sessions: Sequence[str] | None, with_set_aside: bool
) -> tuple[list[SessionView], SessionsInUse]:
    """Return the sessions that are asked for, each once; where none is, those in the store that are not set aside."""
    from nh_platform.home.set_aside import sessions_in_use
    from nh_platform.reading import open_store

    at.platform.entry(source)
    ids = sessions or at.platform.store.sessions(source)
    if not ids:
        raise UnknownSession(f"source {source}", "no session of it is stored", f"Run `nh materialize {source} --all`.")
    store = open_store(at.platform.settings.home)
    views = {view.session_id: view for view in (store.session(source, one) for one in ids)}
    in_use = sessions_in_use(at.platform, source, list(views), are_named=bool(sessions), with_set_aside=with_set_aside)
    return [views[one] for one in in_use.ids], in_use


def _earlier_file(target: ExportFolder, source: str, session_id: str) -> str:
    """Return that a session which is left out has a file in the folder, which readers of the folder would take."""
    for path, made in target.made.items():
        if any((one.get("source"), one.get("session_id")) == (source, session_id) for one in made.origins):
            return f" ({path} of an earlier export is still there)"
    return ""
