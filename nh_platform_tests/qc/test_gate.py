"""The gate stops data that cannot be used, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.qc import gate
from nh_platform.qc.gate import gate_of
from nh_platform.session import Session, Spikes
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS
from nh_platform_tests.store.codecs.test_recording_files import recording

RECORDING = recording(300)


def files(revisions: tuple[str, ...] = ("2024-05-06",), md5: str | None = "0" * 32) -> SessionFiles:
    names = ("spikes.times.npy", "spikes.clusters.npy")
    rows = pd.DataFrame({"name": names[: max(len(revisions), 1)], "revision": revisions}).assign(
        session_id="s1", probe="probe00", group="spikes", collection="alf", md5=md5, default_revision=True
    )
    return SessionFiles(Session("ibl", "s1", "mouse"), INSERTIONS.empty(), FILES.conform(rows))


def problems(spikes: Spikes = RECORDING.spikes, listed: SessionFiles | None = None) -> list[str]:
    return list(gate_of(replace(RECORDING, spikes=spikes), listed or files()).problems)


def test_good_data_pass_whatever_the_number_of_good_units() -> None:
    assert problems() == []


@pytest.mark.parametrize("block", [1, 7, 100, 1 << 21])
def test_times_may_fall_from_one_unit_to_the_next_and_nowhere_else(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "_BLOCK", block)
    assert problems() == []
    times = RECORDING.spikes.times.copy()
    times[[10, 11]] = times[[11, 10]]
    assert problems(replace(RECORDING.spikes, times=times)) == ["spike times are NaN or not sorted within a unit"]
    times = RECORDING.spikes.times.copy()
    times[-1] = np.nan
    assert problems(replace(RECORDING.spikes, times=times)) == ["spike times are NaN or not sorted within a unit"]


def test_unverified_files_are_named() -> None:
    assert problems(listed=files(md5=None)) == ["files without a hash to verify: spikes.times.npy"]


def test_mixed_revisions_are_named() -> None:
    assert problems(listed=files(("2024-05-06", ""))) == ["probe00: spikes are of several revisions: none, 2024-05-06"]


def test_files_of_a_probe_that_is_left_out_are_of_no_account() -> None:
    listed = files(("2024-05-06", ""), md5=None)
    other = replace(listed, files=listed.files.assign(probe="probe09"))
    assert problems(listed=other) == []
