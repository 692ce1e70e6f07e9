"""The verdicts in a file are those of the rulebook that the file states, whichever layout it has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.parquet as pq
import pytest

from nh_platform import operations
from nh_platform.exports.torch_brain.recording_file import read_recording
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView

RULEBOOK = "ibl-2022-03"
"""Not the active one of the source."""

Verdicts = tuple[str, npt.NDArray[Any], npt.NDArray[Any]]


def from_hdf5(path: Path) -> Verdicts:
    with h5py.File(path) as file:
        return str(file.attrs["rulebook"]), file["units/label"][:], file["units/good"][:].astype(bool)


def from_npz(path: Path) -> Verdicts:
    with np.load(path) as held:
        return json.loads(str(held["origin"]))["rulebook"], held["units"]["label"], held["units"]["good"]


def from_parquet(path: Path) -> Verdicts:
    table = pd.read_parquet(path / "units.parquet")
    origin = pq.read_schema(path / "units.parquet").metadata[b"nh.origin"]
    return json.loads(origin)["rulebook"], table["label"].to_numpy(), table["good"].to_numpy()


def from_npy(path: Path) -> Verdicts:
    units = np.load(path / "units.npy")
    return json.loads((path / "origin.json").read_text(encoding="utf-8"))["rulebook"], units["label"], units["good"]


def from_torch_brain(path: Path) -> Verdicts:
    groups = read_recording(path).groups
    units = groups["units"].arrays
    return str(groups["provenance"].attributes["rulebook"]), units["label"], units["good"]


READERS = {
    "hdf5": from_hdf5,
    "npz": from_npz,
    "npy": from_npy,
    "parquet": from_parquet,
    "torch-brain": from_torch_brain,
}


OPTIONS: dict[str, dict[str, object]] = {"torch-brain": {"split": "none"}}


@pytest.mark.parametrize("layout", READERS)
def test_label_and_good_are_by_the_rulebook_that_is_asked_for_and_stated(
    three_sources: Platform, only_session: dict[str, SessionView], tmp_path: Path, layout: str
) -> None:
    session = only_session["ibl"]
    assert session.active_rulebook != RULEBOOK
    rows = np.flatnonzero(session.good_units(RULEBOOK))
    assert not session.good_units()[rows].all()
    done = operations.export_sessions(
        three_sources.settings.home, layout, "ibl", tmp_path, units=RULEBOOK, options=OPTIONS.get(layout, {})
    )
    assert not done.failed, done.failed
    stated, label, good = READERS[layout](tmp_path / next(iter(done.written.values())))
    assert stated == RULEBOOK
    assert good.all()
    np.testing.assert_array_equal(label, session.units[f"label.{RULEBOOK}"].to_numpy()[rows])
