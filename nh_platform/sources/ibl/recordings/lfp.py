"""The local field potential of an IBL probe, in slices of SpikeGLX's file with the LFP band.

Contains what a slice is read from: samples, compressed (``.lf.cbin`` with its ``.ch``) or not (``.lf.bin``), the header
(``.lf.meta``) with the gains, and the clock. Nothing is filtered or referenced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.session import BadUpstreamData, Note
from nh_platform.session.lfp import LFP_CHANNELS, LfpSlice, require_memory, require_overlap
from nh_platform.sources.ibl.recordings.compressed_samples import open_compressed
from nh_platform.sources.ibl.recordings.sample_clock import SampleClock, read_clock
from nh_platform.sources.ibl.recordings.spikeglx_meta import SampleScale, read_scale
from nh_platform.sources.recorded_files import LFP, RecordedFile, not_fetched, without_lfp

UNLOCATED = {"atlas_id": 0, "histology": "unlocated"}


class Samples(Protocol):
    """Samples that are read piece by piece."""

    @property
    def n_samples(self) -> int:
        """Number of samples."""

    def read(self, begin: int, end: int) -> npt.NDArray[Any]:
        """Return samples ``begin`` to before ``end``, (n, n_channels)."""


@dataclass(frozen=True)
class PlainSamples:
    """An uncompressed file of int16 samples."""

    path: Path
    n_channels: int
    n_samples: int

    def read(self, begin: int, end: int) -> npt.NDArray[np.int16]:
        """Return samples ``begin`` to before ``end``, (n, n_channels)."""
        n_values, offset = (end - begin) * self.n_channels, begin * self.n_channels * 2
        return np.fromfile(self.path, dtype="<i2", count=n_values, offset=offset).reshape(-1, self.n_channels)


@dataclass(frozen=True)
class LfpFiles:
    """The files that the LFP of one probe is read from.

    Parameters
    ----------
    data, header
        ``.lf.cbin`` or ``.lf.bin``; the ``.ch`` of the first.
    meta
        ``.lf.meta``.
    timestamps, sync
        The clock, where there is one.
    """

    data: RecordedFile
    meta: RecordedFile
    header: RecordedFile | None
    timestamps: RecordedFile | None
    sync: RecordedFile | None


def choose_files(session: SessionFiles, probe: str, files: Sequence[RecordedFile], *, in_place: bool) -> LfpFiles:
    """Choose the files of a probe's LFP among the recorded files of its session.

    Parameters
    ----------
    session, probe
        Which one.
    files
        Those of the session, fetched or not.
    in_place
        Whether they are read where they are, so that none can be fetched.

    Raises
    ------
    UnknownSession
        If upstream has no LFP of the probe, or the file was not fetched.
    BadUpstreamData
        If there are several, or a header is missing.
    """
    own = [file for file in files if file.probe == probe]
    data = [file for file in own if file.kind == LFP and file.path.endswith((".cbin", ".bin"))]
    # After decompression both may lie in a folder; they are the same samples.
    data = [file for file in data if file.path.endswith(".cbin")] or data
    if not data:
        lists = "its folder has" if in_place else "upstream lists"
        raise without_lfp(session, probe, f"{lists} no .lf.cbin or .lf.bin of it")
    if len(data) > 1:
        raise _bad(session, data[0], f"there are several of {probe}: {', '.join(file.path for file in data)}")
    if data[0].held is None:
        raise not_fetched(session, probe, data[0].path)
    stem = data[0].path.rpartition(".")[0]
    header = _beside(session, data[0], f"{stem}.ch", own, in_place) if data[0].path.endswith(".cbin") else None
    meta = _beside(session, data[0], f"{stem}.meta", own, in_place)
    clocks = {end: [file for file in own if file.path.endswith(end)] for end in (".timestamps.npy", ".sync.npy")}
    for of_kind in clocks.values():
        if of_kind and of_kind[0].held is None:
            raise not_fetched(session, probe, of_kind[0].path)
    chosen = (next(iter(of_kind), None) for of_kind in clocks.values())
    return LfpFiles(data[0], meta, header, *chosen)


def read_lfp(
    session: SessionFiles, files: LfpFiles, start: float, stop: float, located: pd.DataFrame, notes: Sequence[Note]
) -> LfpSlice:
    """Read the samples of ``start`` ≤ time < ``stop``, of all channels but those of synchronisation.

    Parameters
    ----------
    session, files
        What to read.
    start, stop
        Seconds on the session clock.
    located
        Channels of the probe with their place, schema `LFP_CHANNELS`; ``upstream_id`` is the channel of the file.
    notes
        What to note besides.

    Raises
    ------
    BadUpstreamData
        If a file is damaged or short, or two disagree.
    ConfigError
        If the window lies outside of the recording.
    """
    scale = read_scale(_path(files.meta), _label(session, files.meta))
    samples = _open(session, files, scale)
    probe = files.data.probe
    every = list(notes)
    timestamps, sync = (None if file is None else _path(file) for file in (files.timestamps, files.sync))
    stated = files.timestamps or files.sync
    clock = read_clock(timestamps, sync, scale.sampling_rate, "" if stated is None else _label(session, stated))
    if clock is None:
        own = np.array([0.0, 1.0])
        clock = SampleClock(own * scale.sampling_rate, own)
        every.append(
            Note(f"{probe} clock", "no timestamps.npy or sync.npy; times are the probe's own, not the session's")
        )
    first, last = (float(second) for second in clock.times([0, samples.n_samples - 1]))
    what = f"{probe} of {session.source} session {session.session_id}"
    every += require_overlap(start, stop, first, last, what)
    begin, end = (clock.first_from(second, samples.n_samples) for second in (start, stop))
    require_memory(start, stop, len(scale.channels), end - begin, what)
    raw = samples.read(begin, end)[:, : len(scale.channels)]
    values = raw.astype(np.float32) * scale.volts_per_step
    return LfpSlice(
        values=np.ascontiguousarray(values.T),
        times=clock.times(np.arange(begin, end)),
        sampling_rate=scale.sampling_rate,
        channels=_channels(probe, scale, located),
        notes=tuple(every),
    )


def _open(session: SessionFiles, files: LfpFiles, scale: SampleScale) -> Samples:
    path, label = _path(files.data), _label(session, files.data)
    if files.header is not None:
        opened = open_compressed(path, _path(files.header), label)
        if opened.n_channels != scale.n_saved:
            found = f"its .ch states {opened.n_channels} channels and its .meta {scale.n_saved}"
            raise _bad(session, files.data, found)
        return opened
    size = path.stat().st_size
    if size == 0 or size % (2 * scale.n_saved):
        raise _bad(session, files.data, f"{size} bytes are no whole number of samples of {scale.n_saved} channels")
    stated = files.data.size
    if stated is not None and size < stated:
        raise _bad(session, files.data, f"it has {size} bytes and {stated} are stated")
    if scale.n_bytes is not None and size < scale.n_bytes:
        raise _bad(session, files.data, f"it has {size} bytes and its .meta states {scale.n_bytes}")
    return PlainSamples(path, scale.n_saved, size // (2 * scale.n_saved))


def _channels(probe: str, scale: SampleScale, located: pd.DataFrame) -> pd.DataFrame:
    """Return the place of each channel of the file; one that the sorting does not have is unlocated."""
    numbers = pd.DataFrame({"upstream_id": scale.channels})
    table = numbers.merge(located.drop_duplicates("upstream_id"), on="upstream_id", how="left")
    # Numbers of channels are rows of the sorting; those that it lacks are numbered behind them.
    unsorted = table["channel"].isna()
    behind = len(located) + np.cumsum(unsorted) - 1
    table = table.assign(probe=probe, channel=table["channel"].where(~unsorted, behind).astype(np.int64))
    return LFP_CHANNELS.conform(table.fillna(UNLOCATED).astype({"atlas_id": np.int64}))


def _beside(
    session: SessionFiles, data: RecordedFile, path: str, own: Sequence[RecordedFile], in_place: bool
) -> RecordedFile:
    """Return the header that belongs to a file of samples."""
    name = path.rpartition("/")[2]
    found = next((file for file in own if file.path == path), None)
    if found is None:
        action = "Put it beside the file; nothing else tells its chunks, channels and gains."
        raise _bad(session, data, f"its header {name} is missing", action if in_place else "Report it to IBL.")
    if found.held is None:
        command = f"nh files {session.source} {session.session_id} --kind lfp --probe {data.probe} --fetch"
        raise _bad(session, data, f"its header {name} was not fetched", f"Run `{command}`.")
    return found


def _path(file: RecordedFile) -> Path:
    assert file.held is not None  # `choose_files` refuses what is not here
    return file.held


def _label(session: SessionFiles, file: RecordedFile) -> str:
    return f"session {session.session_id}, file {file.path}"


def _bad(session: SessionFiles, file: RecordedFile, found: str, action: str = "") -> BadUpstreamData:
    return BadUpstreamData(_label(session, file), found, action or "Delete it and fetch it again.")
