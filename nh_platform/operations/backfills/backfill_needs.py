"""What a backfill needs before it begins: bytes to download, bytes of the store, time, and what the disks have free.

Contains the questions to source, store and disks behind `nh backfill --dry-run`, and the storage table of the guide
beside which they are printed. How bytes are estimated is `nh_platform.planning.session_sizes`.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.operations.backfills.raw_needs import ranged_bytes, raw_bytes
from nh_platform.operations.opened_home import existing_parent

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform

BYTES_PER_S = 10e6
"""Speed of the network by which the time of downloads is stated; multiply for yours."""


@dataclass(frozen=True)
class GuideRow:
    """A row of the storage table of the guide of the data that NeuroHorizon uses.

    Parameters
    ----------
    what, n_sessions
        What it is of.
    least, most
        Bytes that it states.
    """

    what: str
    n_sessions: int
    least: float
    most: float


GUIDE: Mapping[str, tuple[GuideRow, ...]] = {
    "ibl": (GuideRow("raw", 459, 100e9, 200e9), GuideRow("store", 459, 50e9, 100e9)),
    "allen_vc": (GuideRow("raw", 58, 146.5e9, 146.5e9),),
}
"""By source; of Visual Behavior, and of what the Allen sources take once made, it states nothing."""


@dataclass(frozen=True)
class BackfillNeeds:
    """Bytes and time of a backfill, and the disks.

    Parameters
    ----------
    n_sessions
        Sessions that it makes.
    n_spikes, n_units
        Of all of them, as the manifest implies; NaN where it does not tell.
    to_fetch, held, n_unstated
        Bytes to download, those that are there, and files of which upstream states no size; ``by_ranges`` sessions
        of which nothing tells how much of some file comes.
    most_of_session
        Bytes that the largest session downloads.
    keeps_raw
        Whether what is downloaded stays.
    by_ranges
        Whether files are read by ranges where they lie: ``to_fetch`` is what comes of them for these assets, and no
        disk takes it.
    in_place
        Folder whose files are read where they are, so that nothing is downloaded; None where files are downloaded.
    asset_bytes
        Bytes of each asset that is made, NaN where nothing is known of it.
    n_measured
        Stored sessions of this home from which they are estimated; 0 where from benchmarks.
    cpu_s
        CPU seconds of the whole chain, NaN where the source was never measured.
    most_stored
        Bytes of the assets of the largest session, as far as they are known.
    raw_folder, raw_free, store_folder, store_free
        Folders, and bytes that their disks have free; of what lies in a bucket, the folder of this machine that stands
        for it, and the disk that files pass on their way there.
    is_one_disk
        Whether both lie on one.
    guide
        What the guide states of the source.
    """

    n_sessions: int
    n_spikes: float
    n_units: float
    to_fetch: float
    held: float
    n_unstated: int
    most_of_session: float
    keeps_raw: bool
    by_ranges: bool
    in_place: Path | None
    asset_bytes: Mapping[str, float]
    n_measured: int
    cpu_s: float
    most_stored: float
    raw_folder: Path
    raw_free: int
    store_folder: Path
    store_free: int
    is_one_disk: bool
    guide: tuple[GuideRow, ...]

    @property
    def store_bytes(self) -> float:
        """Bytes of all assets of which something is known; NaN where nothing is of any."""
        known = [n for n in self.asset_bytes.values() if not math.isnan(n)]
        return math.fsum(known) if known or not self.asset_bytes else math.nan

    @property
    def window_bytes(self) -> float:
        """Bytes of the windows among them; 0 where none are made."""
        return self.asset_bytes.get("windows", 0.0)

    @property
    def unknown_assets(self) -> tuple[str, ...]:
        """Assets of which nothing is known."""
        return tuple(name for name, n in self.asset_bytes.items() if math.isnan(n))

    @property
    def raw_room(self) -> float:
        """Bytes that the disk of raw files must take: all, or the largest session where none stays on it."""
        return self.to_fetch if self.keeps_raw and not self.is_in_bucket(self.raw_folder) else self.most_of_session

    @property
    def store_room(self) -> float:
        """Bytes that the disk of the store must take: all, or the largest session where they go into a bucket."""
        return self.most_stored if self.is_in_bucket(self.store_folder) else self.store_bytes

    @property
    def download_s(self) -> float:
        """Seconds of downloads at `BYTES_PER_S`."""
        return self.to_fetch / BYTES_PER_S

    def lacking(self) -> dict[Path, float]:
        """Return the folders whose disk is too small, and by how many bytes."""
        raw, store = self.disk_of(self.raw_folder), self.disk_of(self.store_folder)
        if self.is_one_disk:
            needs = {store: (self.raw_room + self.store_room, self.store_free)}
        else:
            needs = {raw: (self.raw_room, self.raw_free), store: (self.store_room, self.store_free)}
        return {folder: need - free for folder, (need, free) in needs.items() if need > free}

    @staticmethod
    def is_in_bucket(folder: Path) -> bool:
        """Return whether one of the folders stands for a bucket."""
        from nh_platform.store.objects.address import is_in_bucket

        return is_in_bucket(folder)

    def disk_of(self, folder: Path) -> Path:
        """Return a folder on the disk that takes files: the folder itself, of a bucket the cache of this machine."""
        return folder.parent if self.is_in_bucket(folder) else folder


def backfill_needs(platform: Platform, source: str, stale: Mapping[str, Sequence[str]]) -> BackfillNeeds:
    """Return what making some assets of some sessions needs; asks nobody and downloads nothing.

    Parameters
    ----------
    platform, source
        The home, and the source.
    stale
        Assets to be made, by session.
    """
    from nh_platform.planning import session_sizes as sizes
    from nh_platform.sources.fetching import reads_by_ranges

    manifest = platform.manifest(source)
    stated = dict(zip(manifest.sessions["session_id"], manifest.sessions["n_units_released"]))
    every = {name: sizes.session_size(manifest.session(name), stated[name]) for name in manifest.session_ids}
    here = sizes.stored_ratios(platform.store, source, every)
    taken = {**sizes.measured_sizes(source), **here}
    made: dict[str, list[str]] = {}
    for session_id, assets in stale.items():
        for name in assets:
            made.setdefault(name, []).append(session_id)
    asset_bytes = {
        name: sizes.expected_bytes(taken, name, [every[one] for one in sessions]) for name, sessions in made.items()
    }
    chosen = [every[name] for name in stale]
    of_sessions = [
        [n for name in assets if not math.isnan(n := sizes.expected_bytes(taken, name, [every[one]]))]
        for one, assets in stale.items()
    ]
    folder, in_place, keeps = _raw_folder(platform, source)
    by_ranges = reads_by_ranges(platform.source(source))
    fetched = (0.0, 0.0, 0, 0.0)
    if by_ranges:
        keeps, fetched = False, (*ranged_bytes(platform, source, stale, every), 0.0)
    elif in_place is None:
        fetched = raw_bytes(platform, source, manifest, stale, keeps=keeps)
    to_fetch, held, n_unstated, most = fetched
    raw, store = existing_parent(folder), existing_parent(platform.store.root)
    return BackfillNeeds(
        n_sessions=len(stale),
        n_spikes=math.fsum(size.n_spikes for size in chosen),
        n_units=math.fsum(size.n_units for size in chosen),
        to_fetch=to_fetch,
        held=held,
        n_unstated=n_unstated,
        most_of_session=most,
        keeps_raw=keeps,
        by_ranges=by_ranges,
        in_place=in_place,
        asset_bytes=asset_bytes,
        n_measured=min(len(platform.store.sessions(source)), sizes.RECENT_SESSIONS) if here else 0,
        cpu_s=sizes.expected_cpu_s(source, chosen),
        most_stored=max(map(math.fsum, of_sessions), default=0.0),
        raw_folder=folder,
        raw_free=shutil.disk_usage(raw).free,
        store_folder=platform.store.root,
        store_free=shutil.disk_usage(store).free,
        is_one_disk=raw.stat().st_dev == store.stat().st_dev,
        guide=GUIDE.get(source, ()),
    )


def _raw_folder(platform: Platform, source: str) -> tuple[Path, Path | None, bool]:
    """Return where raw files go, the folder where they are read in place instead, and whether they stay."""
    from nh_platform.sources.fetching import FetchingSource, folder_in_place

    upstream = platform.source(source)
    settings = getattr(upstream, "settings", None)
    in_place = folder_in_place(upstream)
    if in_place is not None:
        return in_place, in_place, True
    if not isinstance(upstream, FetchingSource):
        return platform.settings.home, platform.settings.home, True
    if getattr(settings, "keep_raw", True):
        return upstream.raw_files().root, None, True
    passing = getattr(settings, "root", None) or getattr(settings, "cache_dir", None)
    return Path(passing or platform.settings.home), None, False
