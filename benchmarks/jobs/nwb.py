"""The platform's side, and AllenSDK's, of rows that read units and spike times of an NWB file.

``python -m benchmarks.jobs.nwb JOB FILE.nwb OUTPUT.npz``, started by the harness. OUTPUT gets ``spike_trains``, a hash
of each unit's spike times in the order of their ids. Both run in the platform's environment; imports are not timed. Add
a reader of the same file here.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.turns import take_turns

NO_FILTER: dict[str, Any] = {
    "filter_by_validity": False,
    "filter_out_of_brain_units": False,
    "amplitude_cutoff_maximum": np.inf,
    "presence_ratio_minimum": -np.inf,
    "isi_violations_maximum": np.inf,
}
Trains = Mapping[int, Any]


def units_and_spikes(path: Path) -> Trains:
    """Read units, released metrics and spike times."""
    from nh_platform.sources.allen.nwb.electrodes import read_channels
    from nh_platform.sources.allen.nwb.sorted_units import read_units, released_metrics
    from nh_platform.sources.nwb.nwb_file import open_nwb
    from nh_platform.sources.nwb.unit_spikes import read_spike_times

    with open_nwb(path) as nwb:
        units = read_units(nwb, read_channels(nwb))
        released_metrics(units)
        times, offsets = read_spike_times(nwb, units)
    return {unit: times[offsets[row] : offsets[row + 1]] for row, unit in enumerate(units["id"])}


def recording(path: Path) -> Trains:
    """Read all that `raw_spikes` needs: amplitudes, channels and checks too."""
    from nh_platform.session import Session
    from nh_platform.sources.allen.nwb.session_file import read_recording
    from nh_platform.sources.nwb.nwb_file import open_nwb

    with open_nwb(path) as nwb:
        made = read_recording(nwb, Session("allen_vc", "1", "1"))
    return {int(unit): made.spikes.of_unit(row) for row, unit in enumerate(made.units["unit_id"])}


def allensdk(path: Path) -> Trains:
    """Read units and spike times with `EcephysSession`."""
    from nh_platform.sources.allen.sdk import restore_numpy_names

    restore_numpy_names()
    from allensdk.brain_observatory.ecephys.ecephys_session import EcephysSession

    session = EcephysSession.from_nwb_path(str(path), api_kwargs=NO_FILTER)
    units, times = session.units, session.spike_times
    if set(units.index) != set(times):
        raise SystemExit("AllenSDK has other units than spikes")
    return times


JOBS: dict[str, Callable[[Path], Trains]] = {job.__name__: job for job in (units_and_spikes, recording, allensdk)}


def hashes(trains: Trains) -> list[str]:
    """Return the hash of each unit's spike times, in the order of the ids of units."""
    held = ((unit, np.ascontiguousarray(trains[unit], dtype=np.float64)) for unit in sorted(trains))
    return [hashlib.sha256(f"{unit} {len(train)} ".encode() + train.tobytes()).hexdigest() for unit, train in held]


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    path, read = Path(source), JOBS[name]
    warnings.simplefilter("ignore")
    trains = read(path)
    n_spikes = sum(len(train) for train in trains.values())
    words = f"{path.stat().st_size / 1e6:,.0f} MB, {len(trains):,} units, {n_spikes:,} spikes"
    np.savez(target, spike_trains=hashes(trains), input=words, bytes=8 * n_spikes)
    del trains
    take_turns(lambda: read(path), ("numpy", "h5py", "allensdk"))


if __name__ == "__main__":
    main()
