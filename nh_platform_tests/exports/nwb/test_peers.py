"""The files as the current PyNWB, the NWB Inspector and pynapple read them, each in their own environment."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import peer_python, run_in_peer
from nh_platform.exports.nwb.layout import LAYOUT
from nh_platform_tests.exports.nwb.conftest import SOURCES, Files

pytestmark = pytest.mark.peer

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "peer_nwb.py"
SUGGESTIONS = {
    "check_experimenter_exists",
    "check_processing_module_name",
    "check_column_binary_capability",
    "check_single_row",
}
"""Suggestions that docs/exports.md names, with why they stand."""


def test_no_errors_no_messages_and_spike_times_bit_exact(exported: Files, tmp_path: Path) -> None:
    files = [exported(source) for source in SOURCES]
    run_in_peer("nwb", SCRIPT, tmp_path / "said.json", *(file.path for file in files))
    said = json.loads((tmp_path / "said.json").read_text())
    for number, file in enumerate(files):
        found = said[str(file.path)]
        assert found["validation"] == []
        grave = [one for one in found["messages"] if one[0] != "BEST_PRACTICE_SUGGESTION"]
        assert grave == []
        assert {one[1] for one in found["messages"]} <= SUGGESTIONS
        assert found["pynapple"]["units"] == "TsGroup"
        spikes = file.session.valid_spikes.spikes
        with np.load(tmp_path / f"said_{number}.npz") as read:
            assert np.array_equal(read["pynwb_times"].view(np.int64), spikes.times.view(np.int64))
            assert read["pynwb_ends"].tolist() == spikes.offsets[1:].tolist()
            order = np.argsort(read["pynwb_ids"], kind="stable")  # pynapple sorts units by their ids
            assert read["pynapple_ids"].tolist() == read["pynwb_ids"][order].tolist()
            assert np.array_equal(read["pynapple_times"], spikes.take(order).times)


def test_dandi_finds_nothing_in_the_folder(exported: Files, tmp_path: Path) -> None:
    (tmp_path / "dandiset.yaml").write_text("identifier: DANDI:000000\nname: test\n")
    for source in SOURCES:
        file = exported(source)
        path = tmp_path / LAYOUT.place(file.session)
        path.parent.mkdir()
        path.write_bytes(file.path.read_bytes())
    found = tmp_path.with_name("found.jsonl")
    dandi = peer_python("nwb").with_name("dandi")
    command = [dandi, "validate", tmp_path, "--format", "json_lines", "--output", found]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "DANDI_NO_ET": "1"}, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert found.read_text() == ""


@pytest.mark.parametrize("fault", ["spikes", "resolution", "subject"])
def test_the_inspector_sees_planted_faults(exported: Files, tmp_path: Path, fault: str) -> None:
    import h5py

    path = tmp_path / "broken.nwb"
    path.write_bytes(exported("ibl").path.read_bytes())
    with h5py.File(path, "r+") as file:
        if fault == "spikes":
            file["units/spike_times"][:2] = file["units/spike_times"][:2][::-1]
        elif fault == "resolution":
            del file["units/spike_times"].attrs["resolution"]
        else:
            del file["general/subject"]
    run_in_peer("nwb", SCRIPT, tmp_path / "said.json", path)
    (found,) = json.loads((tmp_path / "said.json").read_text()).values()
    assert [one for one in found["messages"] if one[0] in ("CRITICAL", "BEST_PRACTICE_VIOLATION")]
