"""Reads NWB files with the current PyNWB and pynapple, validates and inspects them; for the tests of the export.

Runs in the peer environment ``nwb`` of `peers`: ``peer_nwb.py OUT.json FILE…``. Beside ``OUT.json`` it writes one npz
per file with the spike times that PyNWB and pynapple read.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pynapple
import pynwb
from nwbinspector import inspect_nwbfile


def read_by_pynwb(path: Path) -> dict[str, np.ndarray]:
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        nwbfile = io.read()
        units = nwbfile.units
        spikes = [units["spike_times"][row] for row in range(len(units))]
        return {
            "pynwb_ids": np.asarray(units.id[:]),
            "pynwb_times": np.concatenate(spikes) if spikes else np.zeros(0),
            "pynwb_ends": np.cumsum([len(one) for one in spikes]),
        }


def read_by_pynapple(path: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    loaded = pynapple.load_file(str(path))
    kinds = {str(key): type(loaded[key]).__name__ for key in list(loaded.keys())}
    units = loaded["units"]
    keys = list(units.keys())
    spikes = [units[key].t for key in keys]
    return {
        "pynapple_ids": np.asarray(keys),
        "pynapple_times": np.concatenate(spikes) if spikes else np.zeros(0),
        "pynapple_ends": np.cumsum([len(one) for one in spikes]),
    }, kinds


def look_at(path: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    errors = pynwb.validate(path=str(path))
    errors = errors[0] if isinstance(errors, tuple) else errors
    messages = list(inspect_nwbfile(nwbfile_path=str(path)))
    by_pynapple, kinds = read_by_pynapple(path)
    return {
        "validation": [str(error) for error in errors],
        "messages": [[one.importance.name, one.check_function_name, one.message, one.location] for one in messages],
        "pynapple": kinds,
    }, read_by_pynwb(path) | by_pynapple


def main() -> None:
    warnings.simplefilter("ignore")
    out, *paths = map(Path, sys.argv[1:])
    found = {}
    for number, path in enumerate(paths):
        said, arrays = look_at(path)
        found[str(path)] = said
        np.savez(out.with_name(f"{out.stem}_{number}.npz"), **arrays)
    out.write_text(json.dumps(found))


if __name__ == "__main__":
    main()
