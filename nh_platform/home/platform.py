"""The one resource: the store, the sources and the parameters that the assets of a home folder use.

Add here what more than one asset needs to reach. Opening it imports no upstream client; a source is opened when an
asset reads from it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.history.identity import version_of
from nh_platform.history.manifest import Manifest, SessionFiles
from nh_platform.history.snapshots import find_snapshot, read_manifest
from nh_platform.home.settings import PlatformSettings
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.yaml_file import Location
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.own.kinds import KINDS
from nh_platform.sources.registry import broken_source, source_package_named
from nh_platform.sources.setting_errors import setting_error
from nh_platform.sources.source import Source
from nh_platform.store import Store
from nh_platform.store.records import is_there
from nh_platform.windows.presentations.conventions import MODES, Mode, check_mode
from nh_platform.windows.presets.preset_model import Preset

if TYPE_CHECKING:
    import pandas as pd

ON_REQUEST_OF_ALL = ("spike_events", "window_embeddings")
"""Assets that `also_assets` may name for every source, whatever its entry says."""


@dataclass(frozen=True)
class SourceConfig:
    """Configuration of one source: the entry's defaults, or what ``sources.yaml`` says.

    Rulebooks and presets are ids of shipped ones or paths of YAML files; `rulebook_ids` are the ids that columns carry.
    """

    entry: SourceEntry
    rulebook: str
    also_rulebooks: tuple[str, ...]
    presets: tuple[str, ...]
    published: str | None
    stimulus_modes: tuple[Mode, ...]
    reference_window: str
    also_assets: tuple[str, ...] = ()

    @property
    def rulebooks(self) -> tuple[str, ...]:
        """Active rulebook first, then the others."""
        return (self.rulebook, *(name for name in self.also_rulebooks if name != self.rulebook))

    @property
    def rulebook_ids(self) -> tuple[str, ...]:
        """Ids of `rulebooks`, in the same order."""
        from nh_platform.qc.rules.rulebook import load_rulebook

        return tuple(load_rulebook(name).id for name in self.rulebooks)


class Platform:
    """The store, sources and parameters of one home folder.

    Parameters
    ----------
    settings
        The settings of the home folder.
    """

    def __init__(self, settings: PlatformSettings) -> None:
        for name in settings.sources:
            _refuse_unknown_names(settings, name)
        self.settings = settings
        self.store = Store(settings.store)
        self._sources: dict[str, Source] = {}
        self._part: tuple[tuple[Path, str], Manifest] | None = None
        self._files: tuple[Manifest, SessionFiles] | None = None

    @property
    def today(self) -> str:
        """The day against which reviews expire, ``YYYY-MM-DD``; the version of the reviews says which count on it."""
        return datetime.date.today().isoformat()

    @property
    def entries(self) -> Mapping[str, SourceEntry]:
        """Every source that this home serves, by name; as of `PlatformSettings.entries`."""
        return self.settings.entries

    def entry(self, source: str) -> SourceEntry:
        """Return the entry of a source; as of `PlatformSettings.entry`."""
        return self.settings.entry(source)

    def config(self, source: str) -> SourceConfig:
        """Return the configuration of a source."""
        return source_config(self.settings, source)

    def source(self, name: str) -> Source:
        """Open a source, once per process."""
        if name not in self._sources:
            entry = self.entry(name)
            with source_package_named(name, "it cannot be opened"):
                opened = entry.open(self.settings.source(name).read, self.settings.home)
            lacking = [method for method in ("read_events", "read_signals") if not hasattr(opened, method)]
            if lacking:
                raise ConfigError(
                    f"source {name}",
                    f"it has no {' and '.join(lacking)}, which take the place of read_behavior since version 0.3",
                    "Divide its read_behavior, and the group `behavior` of its files, as docs/add-a-source.md shows.",
                )
            self._sources[name] = opened
        return self._sources[name]

    def manifest(self, source: str) -> Manifest:
        """Return the manifest that was stored last."""
        return read_manifest(self.store, source)

    def session_part(self, source: str, session_id: str) -> Manifest:
        """Return the rows of one session of that manifest, read once for questions in a row.

        Raises
        ------
        UnknownSession
            If the source was never synced, or the manifest does not list the session.
        """
        snapshot = find_snapshot(self.store, source)
        asked = snapshot.folder, session_id
        known = self._part  # once: another thread may ask for another session meanwhile
        if known is not None and known[0] == asked:
            return known[1]
        part = snapshot.part(session_id)
        if not len(part.sessions):
            snapshot.manifest().session(session_id)  # says what it does list
        self._part = asked, part
        return part

    def session_files(self, source: str, session_id: str) -> SessionFiles:
        """Return what `session_part` has of the session, as one thing, whose versions are computed once.

        Raises
        ------
        UnknownSession
            As of `session_part`.
        """
        part, known = self.session_part(source, session_id), self._files
        if known is not None and known[0] is part:
            return known[1]
        files = part.session(session_id)
        self._files = part, files
        return files

    def presets(self, source: str) -> tuple[Preset, ...]:
        """Return the window presets that are configured for a source.

        Raises
        ------
        ConfigError
            If one does not exist, its file is refused, or two have the same id.
        """
        from nh_platform.windows.presets.preset_files import load_presets

        return load_presets(self.config(source).presets)

    def reviews_file(self, source: str, session_id: str) -> Path:
        """Return the file of the reviews of a session, whether or not there is one."""
        return self.settings.reviews / source / f"{session_id}.yaml"

    def reviews_version(self, source: str, session_id: str) -> str:
        """Return the identity of the reviews of a session that count today, and of the evidence beside them."""
        from nh_platform.qc.reviews.evidence import evidence_version
        from nh_platform.qc.reviews.review_files import reviews_version

        file = self.reviews_file(source, session_id)
        reviews, beside = reviews_version(file, self.today), evidence_version(file)
        return version_of((reviews, beside)) if beside else reviews

    def reviews_content(self, source: str, session_id: str) -> str:
        """Return the identity of all that the reviews of a session say, what decides nothing too."""
        from nh_platform.qc.reviews.review_files import reviews_content

        return reviews_content(self.reviews_file(source, session_id))

    def reviewed_intervals(self, source: str, session_id: str) -> pd.DataFrame:
        """Return the intervals (schema `INVALID_TIMES`) that the reviews of a session that count today mark invalid."""
        from nh_platform.qc.reviews.review_files import read_reviews
        from nh_platform.qc.reviews.reviewed_times import reviewed_intervals
        from nh_platform.qc.rules.rulebook import load_rulebook

        quorum = load_rulebook(self.config(source).rulebook).review_quorum
        return reviewed_intervals(read_reviews(self.reviews_file(source, session_id)), quorum, self.today)

    def reviewed_intervals_version(self, source: str, session_id: str) -> str:
        """Return the identity of those intervals; reviews of units do not change it."""
        if not is_there(self.reviews_file(source, session_id)):
            return version_of(())
        rows = self.reviewed_intervals(source, session_id).itertuples(index=False)
        return version_of(f"{row}\n" for row in rows)


def source_config(settings: PlatformSettings, source: str) -> SourceConfig:
    """Merge the entry of a source with what ``sources.yaml`` says of it."""
    entry, own = settings.entry(source), settings.source(source)
    also = entry.also_rulebooks if own.also_rulebooks is None else tuple(own.also_rulebooks)
    presets = entry.presets if own.presets is None else own.presets
    return SourceConfig(
        entry=entry,
        rulebook=settings.own_file(own.rulebook or entry.rulebook),
        also_rulebooks=tuple(settings.own_file(name) for name in also),
        presets=tuple(settings.own_file(name) for name in presets),
        published=own.published or entry.published,
        stimulus_modes=MODES if own.stimulus_modes is None else tuple(check_mode(m) for m in own.stimulus_modes),
        also_assets=tuple(dict.fromkeys(own.also_assets or ())),
        reference_window=own.reference_window or entry.reference_window,
    )


def _refuse_unknown_names(settings: PlatformSettings, source: str) -> None:
    """Stop where ``sources.yaml`` names a source, rulebook, preset, release or mode that does not exist.

    Raises
    ------
    ConfigError
        Naming the file and the key, what there is, and the closest of it.
    """
    from nh_platform.qc.published import published_counts as published
    from nh_platform.qc.rules.rulebook import rulebook_ids
    from nh_platform.windows.presets.preset_files import preset_ids

    def check(location: Location, name: str, known: Iterable[str], what: str, also: str = "") -> None:
        there = list(known)
        if name not in there:
            action = f"Use one of: {', '.join(there) or 'none'}{also}.{close_matches(name, there)}"
            raise setting_error(settings.home, location, f"there is no {what} {name!r}", action)

    if broken := broken_source(source):
        raise setting_error(settings.home, (source,), f"{broken.thing} {broken.found}", broken.action)
    check((source,), source, settings.entries, "source", f"; or state its kind: {', '.join(KINDS)} (docs/own-data.md)")
    own = settings.source(source)
    rulebooks: list[tuple[Location, str]] = [((source, "rulebook"), own.rulebook)] if own.rulebook is not None else []
    rulebooks += [((source, "also_rulebooks", index), name) for index, name in enumerate(own.also_rulebooks or ())]
    presets = [((source, "presets", index), name) for index, name in enumerate(own.presets or ())]
    for stated, known, what in ((rulebooks, rulebook_ids(), "rulebook"), (presets, preset_ids(), "window preset")):
        for location, name in stated:
            if not Path(settings.own_file(name)).is_file():
                check(location, name, known, what, ", or a YAML file by its path from the home folder")
    for index, name in enumerate(own.stimulus_modes or ()):
        check((source, "stimulus_modes", index), name, MODES, "way to make stimulus tensors")
    if own.reference_window is not None:
        from nh_platform.embeddings.units.reference_windows import checked_window

        try:
            checked_window(own.reference_window)
        except ConfigError as error:
            location = (source, "reference_window")
            raise setting_error(settings.home, location, f"{error.thing} {error.found}", error.action) from error
    for index, name in enumerate(own.also_assets or ()):
        on_request = (*settings.entry(source).assets_on_request, *ON_REQUEST_OF_ALL)
        check((source, "also_assets", index), name, on_request, "asset on request")
    if own.published is not None:
        releases = published.published_releases(source)
        check((source, "published"), own.published, releases, "release with published counts")
