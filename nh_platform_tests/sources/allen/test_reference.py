"""Conventions checked on the real Visual Coding tables of NH_REFERENCE."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from nh_platform.session.tables.events import INVALID_TIMES
from nh_platform.sources.allen.coding.entry import ENTRY
from nh_platform.sources.allen.nwb.sorted_units import V_PER_UV
from nh_platform.sources.allen.nwb.stimulus_presentations import read_presentations
from nh_platform.sources.anatomy.regions import regions_of_acronyms
from nh_platform.sources.nwb.nwb_file import open_nwb
from nh_platform.sources.nwb.positions import CSV_COLUMNS, locate_channels

pytestmark = pytest.mark.reference

SESSIONS = {"session_715093703": 637, "session_768515987": 603}


@pytest.fixture(params=sorted(SESSIONS))
def folder(request: pytest.FixtureRequest, reference_dir: Path) -> Path:
    return reference_dir / "allen_vc" / request.param


def test_the_released_unit_amplitude_is_microvolts(folder: Path) -> None:
    units = pd.read_csv(folder / "visual_unit_population.csv")
    assert len(units) == SESSIONS[folder.name]
    volts = units["waveform_amplitude"].to_numpy() * V_PER_UV
    assert ((volts > 1e-5) & (volts < 1e-3)).all()


def test_vertical_position_counts_from_the_tip(folder: Path) -> None:
    # Up along every probe is up in the brain: DV of the CCF falls. Probe 810755799 has areas but no CCF position.
    units = pd.read_csv(folder / "visual_unit_population.csv").dropna(subset="dorsal_ventral_ccf_coordinate")
    assert units["ecephys_probe_id"].nunique() == 5
    for _, probe in units.groupby("ecephys_probe_id"):
        up = np.corrcoef(probe["probe_vertical_position"], probe["dorsal_ventral_ccf_coordinate"])[0, 1]
        assert up < -0.9


def test_every_released_visual_area_is_a_region(folder: Path) -> None:
    acronyms = pd.read_csv(folder / "visual_unit_population.csv")["ecephys_structure_acronym"].unique()
    regions = regions_of_acronyms(acronyms)
    assert regions["known"].all()
    assert (regions["atlas_id"] > 0).all()
    assert {"VISp", "VISam"} <= set(regions["beryl"])


def test_real_gabor_rows_keep_every_value(folder: Path, tmp_path: Path) -> None:
    real = pd.read_csv(folder / "gabor_trial_gaze_table.csv")
    numbers = ["orientation", "temporal_frequency", "spatial_frequency", "x_position", "y_position", "contrast"]
    with h5py.File(tmp_path / "gabors.nwb", "w") as handle:
        table = handle.create_group("intervals/gabors_presentations")
        table["id"] = np.arange(len(real))
        for name in ("start_time", "stop_time", "stimulus_block", *numbers):
            table[name] = real[name].to_numpy(float)
        for name in ("stimulus_name", "phase", "size"):
            table[name] = real[name].to_numpy(object).astype(h5py.string_dtype())
    with open_nwb(tmp_path / "gabors.nwb") as nwb:
        presentations = read_presentations(nwb, INVALID_TIMES.empty())
        assert nwb.notes == []
    assert presentations is not None
    assert len(presentations) == 3645
    for name in ("start_time", "stop_time", "phase", "size", "stimulus_name", *numbers):
        assert presentations[name].tolist() == real[name].tolist()


def test_units_of_the_left_hemisphere_have_an_ml_beyond_the_middle_and_a_negative_x(folder: Path) -> None:
    # The mouse sees the screen with its right eye, the left visual cortex is recorded (`sources.allen.hemisphere`).
    units = pd.read_csv(folder / "visual_unit_population.csv").dropna(subset="left_right_ccf_coordinate")
    assert units["left_right_ccf_coordinate"].between(7_500, 10_100).all()
    channels = pd.DataFrame({"probe": units["name"], "channel": np.arange(len(units)), "channel_id": units.index})
    place = units.rename(columns={"ecephys_channel_id": "id"})[["id", *CSV_COLUMNS]].assign(id=units.index)
    table, _ = locate_channels(channels.reset_index(drop=True), place, ENTRY.ml_towards)
    assert table["ccf_ml_um"].tolist() == units["left_right_ccf_coordinate"].tolist()
    assert (table["x_m"] < -1.8e-3).all()
    if folder.name == "session_715093703":
        known = units["ecephys_unit_id"].tolist().index(950911808)  # VISam, probeA
        assert table.loc[known, "acronym"] == "VISam"
        assert table.loc[known, "ccf_ml_um"] == 7575
        assert table.loc[known, "x_m"] == pytest.approx(-1.914e-3)
