"""Rows beside AllenSDK: spike counts around presentations, and NWB in.

Contains their data, plain references and gates. Add a row here for what AllenSDK does too; both sides stand in
`benchmarks/jobs/presentations.py` and `benchmarks/jobs/nwb.py`, since AllenSDK is installed beside the platform.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.harness.comparison import Arrays, Differs, Peer, Row
from benchmarks.harness.gates import as_searchsorted, same_values
from benchmarks.harness.limits import Limits
from benchmarks.harness.nwb_files import released_size
from benchmarks.harness.sessions import LARGE, SMALL, kept, spikes_of
from benchmarks.harness.sides import Side

TENSORS, NWB, SETS = "jobs/presentations.py", "jobs/nwb.py", "jobs/stimulus_sets.py"


def session(quick: bool) -> Path:
    """Return a session's spikes, grouped by unit."""
    return spikes_of(SMALL if quick else LARGE)


def plain_counts(given: Path, found: Arrays, when: str) -> str:
    """Count unit by unit with `numpy.searchsorted`; raise `Differs` where a count is another one."""
    plain, _ = _counted(given, when)
    wrong = sum(int((found["counts"][:, :, unit] != counts).sum()) for unit, counts in enumerate(plain))
    return as_searchsorted(wrong, found["counts"].size)


def beside_allensdk(given: Path, ours: Arrays, theirs: Arrays, when: str) -> str:
    """Compare with AllenSDK, whose bins are closed at both ends: it counts a spike on an inner edge twice."""
    if ours["counts"].shape != theirs["counts"].shape:
        raise Differs(f"counts of shape {theirs['counts'].shape} there, {ours['counts'].shape} here")
    _, on_edge = _counted(given, when)
    n_more = 0
    for unit, twice in enumerate(on_edge):
        more = theirs["counts"][:, :, unit].astype(np.int64) - ours["counts"][:, :, unit]
        if not np.array_equal(more, twice):
            raise Differs(f"{int((more != twice).sum()):,} counts of unit {unit} differ by more than spikes on edges")
        n_more += int((more != 0).sum())
    n = theirs["counts"].size
    return f"{n - n_more:,} of {n:,} counts are equal, {n_more:,} hold a spike on their right edge, counted twice there"


def _counted(given: Path, when: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return for each unit its counts, and the spikes on the right edge of each bin."""
    from benchmarks.jobs.presentations import EDGES, read

    spikes, starts = read(str(given), when)
    edges = starts[:, None] + EDGES
    counts, on_edge = [], []
    for unit in range(spikes.n_units):
        train = spikes.of_unit(unit)
        first = np.searchsorted(train, edges)
        counts.append(np.diff(first, axis=1).astype(np.uint16))
        on_edge.append((np.searchsorted(train, edges[:, 1:], side="right") - first[:, 1:]).astype(np.int64))
    return counts, on_edge


def floor(limits: Limits, given: Path, when: str) -> tuple[float, str]:
    """Return the seconds of touching the counts and of reading the spikes once."""
    from benchmarks.jobs.presentations import EDGES, schedule

    with np.load(given) as stored:
        n_units, n_spikes = len(stored["offsets"]) - 1, float(stored["offsets"][-1])
        n_shown = len(schedule(when, float(stored["duration_s"])))
    return limits.of_counts(float(n_shown * (len(EDGES) - 1) * n_units), n_spikes)


def _tensor(when: str, words: str) -> Row:
    side = Side("AllenSDK `presentationwise_spike_counts`", TENSORS, f"allensdk:{when}")
    gate = partial(beside_allensdk, when=when)
    return Row(
        name=f"presentations-{when}",
        what=f"spike counts of a large session, 25 bins of 10 ms of presentations {words}",
        data=session,
        here=Side("here", TENSORS, f"count:{when}"),
        peers=(Peer(side, gate, at_least=80, packages=("allensdk",), at_least_quick=4),),
        reference=partial(plain_counts, when=when),
        limit=partial(floor, when=when),
        profile="A third to a half of it is the first touch of 301 MB of counts and one pass over the spikes, and what "
        "that takes moves from run to run by more than the kernel does: 0.13 to 0.58 CPU s in one day.",
    )


def plain_trains(given: Path, found: Arrays) -> str:
    """Read the file with h5py alone; raise `Differs` where a spike train is another one."""
    import h5py

    from benchmarks.jobs.nwb import hashes

    with h5py.File(given, "r") as handle:
        units = handle["units"]
        trains = np.split(units["spike_times"][:], units["spike_times_index"][:-1])
        plain = hashes({int(unit): train for unit, train in zip(units["id"][:], trains, strict=True)})
    if plain != found["spike_trains"].tolist():
        raise Differs("spike trains are not those that h5py reads")
    return f"all of {len(plain):,} spike trains are those that h5py reads, bit by bit"


def read_once(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading the spike times from a file in the page cache into fresh memory."""
    import h5py

    with h5py.File(given, "r") as handle:
        n_bytes = 8.0 * handle["units/spike_times"].shape[0]
    seconds = n_bytes / 1e9 / limits.cached_read_gb_s + n_bytes / 1e9 / limits.first_touch_gb_s
    return seconds, f"reading {n_bytes / 1e6:.0f} MB of a file in the page cache into fresh memory"


def cache_folder(quick: bool) -> Path:
    """Return AllenSDK's cache folder with simulated sessions: one of the size of a real one, or two small ones."""
    from nh_platform.simulation import SIZES, write_allen_vc

    size, n = ("tiny", 2) if quick else ("benchmark", 1)
    return kept(f"allen-vc-{size}-{n}", lambda path: write_allen_vc(path, n, 11, size=SIZES[size]) and None)


def read_nwb(limits: Limits, given: Path) -> tuple[float, str]:
    """Return the seconds of reading the NWB files once."""
    return limits.of_reading(given.rglob("*.nwb"))


_SDK = Side("AllenSDK `EcephysSession`", NWB, "allensdk")

ROWS = (
    _tensor("together", "back to back"),
    _tensor("apart", "1.45 s apart"),
    Row(
        name="nwb-in",
        what="units and spike times of an NWB file",
        data=released_size,
        here=Side("here", NWB, "units_and_spikes"),
        peers=(
            # Not in quick runs: it takes 14 CPU s for the smallest file.
            Peer(_SDK, same_values("spike_trains"), 10, packages=("allensdk",), memory_share=1 / 3, is_in_quick=False),
            Peer(Side("here, with all that `raw_spikes` needs", NWB, "recording"), same_values("spike_trains")),
        ),
        reference=plain_trains,
        limit=read_once,
        profile="Both sides hold every spike time once, which is all of the memory. Its time is 0.3 CPU s where memory "
        "is at hand, and 2 where the system has to free pages for 430 MB first.",
    ),
    Row(
        name="stimulus-set",
        what="the Mlynarski group's binned set, from NWB files to a file for each stimulus type",
        data=cache_folder,
        here=Side("here", SETS, "export"),
        peers=(
            Peer(
                Side("their published steps, with AllenSDK, pandas and xarray", SETS, "published_steps"),
                same_values("arrays"),
                packages=("allensdk",),
                near="Both sides read the same tables of the NWB files and write the same arrays.",
            ),
        ),
        limit=read_nwb,
        is_in_quick=False,
        note="With two changes, so that every value can be compared: their tables are read exactly "
        "(`float_precision`, which takes longer than what pandas does by itself), and units of invalid channels are "
        "left out, as AllenSDK does today.",
    ),
)
