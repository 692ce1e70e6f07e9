"""Runs where pynapple and SpikeInterface are beside the platform: what a session is as objects of theirs.

``python peer_objects.py HOME SOURCE SESSION OUT``. Writes ``OUT/pynapple.npz`` and ``OUT/spikeinterface.npz`` with what
these objects answer, and ``OUT/warnings.txt`` with every warning that they gave.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pynapple as nap

from nh_platform import open_store


def pynapple_answers(objects: dict) -> dict[str, np.ndarray]:
    """Return times, metadata and supports that pynapple's objects hold."""
    units = objects["units"]
    found = {"support": np.asarray(units.time_support.values), "index": np.asarray(units.index)}
    found["rates"] = np.asarray(units.rates)
    for row in units.index:
        found[f"train.{row}"] = units[row].t
    for column in units.metadata_columns:
        if column != "rate":
            values = np.asarray(units[column])
            found[f"about.{column}"] = values.astype(str) if values.dtype == object else values
    for name, value in objects.items():
        if isinstance(value, nap.IntervalSet):
            found[f"{name}.start"], found[f"{name}.end"] = value.start, value.end
            found[f"{name}.columns"] = np.array(value.metadata_columns)
            found[f"{name}.row"] = np.asarray(value["row"])
        elif isinstance(value, nap.Tsd | nap.TsdFrame):
            found[f"{name}.t"], found[f"{name}.d"] = value.t, value.d
            if isinstance(value, nap.TsdFrame):
                found[f"{name}.columns"] = np.array([str(one) for one in value.columns])
    if "presentations" in objects:
        counts = units.count(bin_size=None, ep=objects["presentations"])
        found["counts"] = counts.d
    return found


def main() -> None:
    home, source, session_id, out = sys.argv[1:]
    session = open_store(home).session(source, session_id)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        np.savez(Path(out) / "pynapple.npz", **pynapple_answers(session.to_pynapple()))
        sorting = session.to_spikeinterface()
        answers = {"ids": sorting.unit_ids, "rate": np.array(sorting.sampling_frequency)}
        for unit in sorting.unit_ids:
            answers[f"samples.{unit}"] = sorting.get_unit_spike_train(unit)
            answers[f"seconds.{unit}"] = sorting.get_unit_spike_train_in_seconds(unit)
        answers |= {f"about.{name}": sorting.get_property(name) for name in sorting.get_property_keys()}
        np.savez(Path(out) / "spikeinterface.npz", **answers)
        few = session.to_spikeinterface(units=[0, 2], sampling_frequency=20_000.0)
        assert (few.sampling_frequency, len(few.unit_ids)) == (20_000.0, 2)
        assert list(session.to_pynapple(units=[0, 2])["units"].index) == [0, 2]
    (Path(out) / "warnings.txt").write_text("\n".join(f"{one.category.__name__} {one.message}" for one in said))


if __name__ == "__main__":
    main()
