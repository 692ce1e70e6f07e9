"""Every window is described by the populations of its session, which are fitted to the first part of it alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.embeddings.population import window_states
from nh_platform.embeddings.population.window_rates import root_rates
from nh_platform.session.tables.embeddings import POPULATION_FITS, POPULATION_UNITS, WINDOW_EMBEDDINGS
from nh_platform_tests.embeddings.population.made_populations import driven_spikes, second_windows, unit_rows
from nh_platform_tests.windows.trains import spikes_of

REGIONS: list[str | None] = ["CA1"] * 6 + ["VISp"] * 6 + ["LP", "void", None, "root"]


@pytest.fixture(scope="module")
def made() -> tuple:
    spikes, state = driven_spikes(16, 400)
    units, index = unit_rows(16, REGIONS), second_windows(400)
    return spikes, units, index, state


def share_explained(latents: np.ndarray, state: np.ndarray) -> float:
    design = np.column_stack([latents, np.ones(len(latents))])
    off = state - design @ np.linalg.lstsq(design, state, rcond=None)[0]
    return 1.0 - float((off**2).sum() / ((state - state.mean()) ** 2).sum())


def test_the_state_that_drives_all_units_is_found_in_windows_that_no_model_has_seen(made) -> None:
    spikes, units, index, state = made
    found = window_states(spikes, units, np.ones(16, dtype=bool), index)
    held_out = found.windows["part"].isin(["valid", "test"]).to_numpy()
    assert held_out.sum() > 60
    for method in ("pca", "fa"):
        latents = found.windows.filter(regex=rf"^{method}\.all\.").to_numpy(dtype=np.float64)
        assert share_explained(latents[held_out], state[held_out]) > 0.85
        moved = np.random.default_rng(0).permutation(state[held_out])
        assert share_explained(latents[held_out][:, :2], moved) < 0.25
    fits = found.fits.set_index(["region", "method"])
    assert list(dict.fromkeys(found.fits["region"])) == ["all", "CA1", "VISp"]
    assert (fits["rebuilt"] > 0.2).all()
    assert (fits["shuffled"] < 0).all()
    assert fits.loc[("all", "fa"), "explained_1"] > 3 * fits.loc[("all", "fa"), "explained_2"]
    (note,) = found.notes
    assert note.text == "fewer than 5 good units, no model of their own: LP 1"


def test_the_tables_are_as_their_schemas_say(made) -> None:
    spikes, units, index, _ = made
    found = window_states(spikes, units, np.ones(16, dtype=bool), index)
    for table, schema in (
        (found.windows, WINDOW_EMBEDDINGS),
        (found.units, POPULATION_UNITS),
        (found.fits, POPULATION_FITS),
    ):
        schema.validate(table)
    one = found.units[(found.units["region"] == "CA1") & (found.units["method"] == "pca")]
    assert one["unit_id"].tolist() == [f"u{row}" for row in range(6)]
    assert one.filter(regex="weight_[123]$").notna().all().all()
    assert one["weight_4"].isna().all()


def test_nothing_after_the_first_part_moves_a_model(made) -> None:
    spikes, units, index, _ = made
    good = np.ones(16, dtype=bool)
    found = window_states(spikes, units, good, index)
    stop = float(found.fits["fit_stop"].iloc[0])
    train = [spikes.of_unit(row) for row in range(16)]
    doubled = spikes_of(
        *(np.sort(np.r_[t, t[(t > stop) & (t < t[-1])]]) if row < 4 else t for row, t in enumerate(train))
    )
    again = window_states(doubled, units, good, index)
    pd.testing.assert_frame_equal(found.units, again.units)
    assert not found.windows.equals(again.windows)


def test_only_good_units_and_valid_windows_count(made) -> None:
    spikes, _, index, _ = made
    units = unit_rows(16, REGIONS, ["probe00"] * 6 + ["probe01"] * 10)
    good = np.ones(16, dtype=bool)
    good[0] = False
    index = index.copy()
    index.loc[3, "valid"] = False
    index.loc[5, "invalid_probes"] = "probe01,probe02"
    found = window_states(spikes, units, good, index)
    assert "u0" not in set(found.units["unit_id"])
    nan = found.windows.isna()
    assert nan.loc[3].filter(like=".1").all()
    assert nan.loc[5, "fa.VISp.1"]
    assert nan.loc[5, "fa.all.1"]
    assert not nan.loc[5, "fa.CA1.1"]


def test_the_same_session_gives_the_same_tables(made) -> None:
    spikes, units, index, _ = made
    good = np.ones(16, dtype=bool)
    first, again = (window_states(spikes, units, good, index) for _ in range(2))
    pd.testing.assert_frame_equal(first.windows, again.windows, check_exact=True)
    pd.testing.assert_frame_equal(first.fits, again.fits, check_exact=True)


def test_windows_of_any_length_are_counted_by_their_own_time() -> None:
    spikes = spikes_of([0.0, 0.5, 1.0, 1.5, 3.0], [0.1])
    rates = root_rates(spikes, np.array([1, 0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 3.0, 4.0]))
    np.testing.assert_allclose(rates**2, [[1.0, 2.0], [0.0, 1.0], [0.25, 1.25]])


@pytest.mark.parametrize(
    ("n_units", "seconds", "n_windows", "text"),
    [
        (0, 0, 0, "0 good units; a model needs 5"),
        (3, 100, 100, "3 good units; a model needs 5"),
        (6, 30, 30, "nothing is left of"),
        (6, 140, 140, "no model: 10 valid windows in the first part of the causal split, and it needs 20"),
    ],
)
def test_a_session_with_too_little_has_windows_without_latents_and_a_note(n_units, seconds, n_windows, text) -> None:
    spikes = driven_spikes(n_units, seconds)[0] if n_units else spikes_of()
    index = second_windows(n_windows)
    if seconds == 140:
        index = index.assign(valid=index["window_id"] < 11)
    found = window_states(spikes, unit_rows(n_units), np.ones(n_units, dtype=bool), index)
    assert len(found.windows) == n_windows
    assert list(found.windows.columns) == ["preset", "window_id", "start", "stop", "part"]
    assert found.fits.empty
    assert found.units.empty
    assert any(text in note.text for note in found.notes)


def test_units_that_are_silent_in_the_windows_of_the_fit_are_left_out(made) -> None:
    spikes, units, index, _ = made
    late = [spikes.of_unit(row) for row in range(16)]
    late[2] = late[2][late[2] > 350]
    found = window_states(spikes_of(*late), units, np.ones(16, dtype=bool), index)
    assert "u2" not in set(found.units["unit_id"])
    assert found.fits.set_index(["region", "method"]).loc[("all", "pca"), "n_units"] == 15
