"""natural_movie_three, the longest stimulus, from the NWB file to its 6006 bins, and the bins of all other types."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from nh_platform.exports.stimulus import StoredTensors, plan_tensors, write_stimulus_files, write_tensors
from nh_platform.exports.stimulus.unit_choice import tensor_good_units
from nh_platform.qc.unit_table import build_units
from nh_platform.session import Spikes
from nh_platform.simulation import TINY, write_allen_vc
from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource
from nh_platform.windows.presentations.conventions import MODES
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.exports.stimulus.conftest import RULEBOOK

pytestmark = pytest.mark.slow

MOVIE = "natural_movie_three"
BINS = {
    "drifting_gratings": 101,
    "drifting_gratings_75_repeats": 101,
    "drifting_gratings_contrast": 26,
    "dot_motion": 51,
    "natural_movie_one": 1502,
    MOVIE: 6006,
}
"""Of the types that have as many in both modes; those of 0.25 s have 13 in ``exact``, 14 in ``mlynarski-compat``."""
SHORT = ("gabors", "flashes", "static_gratings", "natural_scenes")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Spikes, list[str]]:
    """Files of two sessions, one with the movie; the spikes of that one and its unit ids."""
    root, tensors = tmp_path_factory.mktemp("upstream"), tmp_path_factory.mktemp("tensors")
    write_allen_vc(root, 2, seed=11, size=replace(TINY, allen_movie_three=True))
    source = AllenVisualCodingSource(AllenVcSettings(root=root))
    manifest = source.manifest()
    spikes: dict[str, tuple[Spikes, list[str]]] = {}
    for session_id in manifest.session_ids:
        files = manifest.session(session_id)
        recording, behavior = source.read_spikes(files), read_behavior(source, files)
        annotation = source.read_annotation(files, recording.units, recording.channels)
        units = build_units(recording, annotation, rulebooks=(RULEBOOK,), reviews_file=root / "none.yaml").table
        plans = [plan_tensors(*behavior.parts, units, tensor_good_units(units, mode, RULEBOOK), mode) for mode in MODES]
        (tensors / session_id).mkdir()
        write_tensors(tensors / session_id, recording.spikes, *behavior.parts, plans)
        if MOVIE in set(behavior.events["presentations"]["stimulus_name"]):
            spikes[session_id] = recording.spikes, recording.units["unit_id"].tolist()
    for mode in MODES:
        stored = [StoredTensors(tensors / name, name, mode) for name in manifest.session_ids]
        write_stimulus_files(tensors / "files" / mode, stored, mode)
    ((found, ids),) = spikes.values()
    return tensors / "files", found, ids


@pytest.mark.parametrize("mode", MODES)
def test_every_type_has_the_bins_of_the_released_set(session: tuple[Path, Spikes, list[str]], mode: str) -> None:
    folder = session[0] / mode
    expected = {**BINS, **dict.fromkeys(SHORT, 13 if mode == "exact" else 14)}
    assert {path.stem for path in folder.glob("*.h5")} == set(expected)
    for name, bins in expected.items():
        with xr.open_datatree(folder / f"{name}.h5", engine="h5netcdf") as tree:
            found = {node.sizes["time"] for node in tree.subtree if node.name == "spike_data"}
        assert found == {bins}, name
    assert (folder / "natural_visual" / f"{MOVIE}.h5").is_file()


@pytest.mark.parametrize("mode", MODES)
def test_the_long_movie_holds_the_spikes_up_to_its_end(session: tuple[Path, Spikes, list[str]], mode: str) -> None:
    folder, spikes, ids = session
    checked = 0
    with xr.open_datatree(folder / mode / f"{MOVIE}.h5", engine="h5netcdf") as tree:
        (recorded,) = tree.children.values()
        for structure in recorded.children.values():
            found = structure["spike_data"].to_dataset().transpose("presentation_id", "unit_id", "time")
            shown = structure["presentations"].to_dataset()
            (start,), (stop,) = shown["start_time"].values.astype(float), shown["stop_time"].values.astype(float)
            assert stop - start == pytest.approx(120.1, abs=0.01)
            for unit, binary in zip(found["unit_id"].values, found["spike_data"].values[0]):
                times = spikes.of_unit(ids.index(str(unit)))
                if mode == "exact":
                    edges = np.minimum(start + np.arange(6007) * 20_000 / 1e6, stop)
                    counts = np.diff(np.searchsorted(times, edges))
                    assert np.array_equal(found["spike_counts"].sel(unit_id=unit).values[0], counts)
                    assert np.array_equal(binary, counts > 0)
                    checked += counts.sum()
                else:
                    # The start is float32 there: a spike on an edge may fall on its other side.
                    inside = times[(times >= start) & (times <= stop)]
                    bins = len(np.unique(np.floor((inside - start) / 0.02)))
                    assert abs(int(binary.sum()) - bins) <= 0.02 * bins + 2
                    checked += len(inside)
    assert checked > 500
