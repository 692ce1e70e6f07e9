"""Rows on spikes that come in as ALF, are stored, and are read back.

Contains their gate beside upstream's own files. Add a row here for another form of storage; its sides stand in
`benchmarks/jobs/stored_spikes.py`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Differs, Peer, Row
from benchmarks.harness.gates import same_values
from benchmarks.harness.homes import upstream
from benchmarks.harness.limits import Limits
from benchmarks.harness.sides import Side

HERE = "jobs/stored_spikes.py"
_same = same_values("spike_trains")


def plain_alf(given: Path, found: Arrays) -> str:
    """Read upstream's npy files with numpy alone; raise `Differs` where a unit's spikes are others."""
    from benchmarks.jobs.stored_spikes import hashes

    of_probe = {
        probe: [np.load(folder / f"spikes.{name}.npy") for name in ("times", "amps", "clusters")]
        for probe, folder in sortings(given).items()
    }
    wrong = 0
    for probe, cluster, stored in zip(found["probe"], found["cluster"], found["spike_trains"], strict=True):
        times, amps, clusters = of_probe[str(probe)]
        mine = clusters == cluster
        wrong += hashes([(times[mine], amps[mine])])[0] != stored
    n_spikes, n_stored = sum(len(held[0]) for held in of_probe.values()), int(found["bytes"]) // 36
    if wrong or n_spikes != n_stored:
        raise Differs(
            f"{wrong:,} units have other spikes than upstream's files, {n_stored:,} of {n_spikes:,} are stored"
        )
    return f"times and amplitudes of {len(found['cluster']):,} units are upstream's, {n_spikes:,} spikes"


def sortings(given: Path) -> dict[str, Path]:
    """Return by probe the folder with the newest revision of its spikes."""
    found = [path.parent for path in given.glob("**/spikes.times.npy")]
    by_revision = sorted(found, key=lambda folder: folder.name if folder.name.startswith("#") else "")
    return {next(part for part in folder.parts if part.startswith("probe")): folder for folder in by_revision}


def _floor(limits: Limits, given: Path, *, reads: bool, writes: bool) -> tuple[float, str]:
    names = [f"spikes.{name}.npy" for name in ("times", "amps", "depths", "clusters")]
    n_bytes = float(sum((folder / name).stat().st_size for folder in sortings(given).values() for name in names))
    # Stored spikes have float32 amplitudes and depths and no cluster of each: 16 bytes of 28.
    kept = n_bytes * 16 / 28
    read_s = (n_bytes if writes else kept) / 1e9 / limits.cached_read_gb_s if reads else 0.0
    write_s = kept / 1e9 / limits.copy_gb_s if writes else 0.0
    words = [f"reading {n_bytes / 1e6:.0f} MB from the page cache"] if reads and writes else []
    words += [f"reading {kept / 1e6:.0f} MB from the page cache"] if reads and not writes else []
    words += [f"one copy of {kept / 1e6:.0f} MB, not compressed"] if writes else []
    return read_s + write_s, " and ".join(words)


def _peers(job: str, of_gzip: float) -> tuple[Peer, ...]:
    return (
        Peer(
            Side("one npy for each array", HERE, f"npy_{job}"),
            _same,
            packages=("numpy",),
            near="npy files are not compressed: the disk has the whole array, and the processor next to nothing to do.",
        ),
        Peer(
            Side("HDF5 with gzip and shuffle", HERE, f"gzip_{job}"),
            _same,
            of_gzip,
            packages=("h5py",),
            at_least_quick=0.2,
        ),
    )


_DATA = partial(upstream, "benchmark", 1)

ROWS = (
    Row(
        name="alf-in",
        what="`raw_spikes` of a session from its ALF files: verified, grouped by unit, judged, stored, recorded",
        data=_DATA,
        here=Side("here", HERE, "alf_in"),
        reference=plain_alf,
        limit=partial(_floor, reads=True, writes=True),
    ),
    Row(
        name="store-write",
        what="a session's spikes written as they are stored",
        data=_DATA,
        here=Side("here", HERE, "write"),
        peers=_peers("write", 3),
        reference=plain_alf,
        at_most={"stored_share": 0.55},
        at_least={"gb_per_cpu_s": 1.5},
        limit=partial(_floor, reads=False, writes=True),
        note="Input and share are counted in ALF's arrays, 36 bytes a spike. npy files are not compressed.",
        profile="zstd takes half of it, HDF5's shuffle a seventh; neither dtypes nor hashes show.",
    ),
    Row(
        name="store-read",
        what="a session's stored spikes read back",
        data=_DATA,
        here=Side("here", HERE, "read"),
        peers=_peers("read", 2),
        reference=plain_alf,
        limit=partial(_floor, reads=True, writes=False),
    ),
)
