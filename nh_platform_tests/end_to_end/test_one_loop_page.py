"""docs/examples/one-loop.md: the same lines read a session of each source, on simulated sessions of all three."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform_tests.homes import make_home, materialize

PAGE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "one-loop.md"
SOURCES = ("ibl", "allen_vc", "allen_vbn")

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Run the page from top to bottom and give its names; its store is a folder below the working directory."""
    folder = tmp_path_factory.mktemp("loop")
    platform = make_home(folder / "data" / "demo", SOURCES)
    with dg.DagsterInstance.ephemeral() as instance:
        for source in SOURCES:
            assert all(outcome.success for outcome in materialize(platform, instance, source))
    found: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, block in enumerate(blocks):
            exec(compile(block, f"one-loop.md, block {number + 1}", "exec"), found)
        yield found


def test_one_row_per_source_with_numbers_in_every_column(names) -> None:
    summary = names["summary"]
    assert sorted(summary.index) == sorted(SOURCES)
    assert (summary > 0).all(axis=None)
    assert summary["bins"].tolist() == [50] * 3


def test_named_events_are_those_that_windows_align_to(names) -> None:
    for source, session in names["sessions"].items():
        index = session.windows("stim-halves-500ms").index
        onset = session.events("stimulus onset")
        assert onset.times.tolist() == index["event_time"].tolist(), source
        assert onset.rows.index.tolist() == index["event_id"].tolist(), source


def test_counts_around_named_events_are_those_of_the_stored_windows(names) -> None:
    for source, session in names["sessions"].items():
        stored = session.windows("stim-halves-500ms")
        counted = session.windows_around("stimulus onset", -0.5, 0.5, 0.02)
        probe_valid = [not text for text in stored.index["invalid_probes"]]
        whole = stored.index["valid"].to_numpy() & np.array(probe_valid)
        assert np.array_equal(counted.counts[whole], stored.counts[whole]), source
        assert np.array_equal(counted.valid.all(axis=1), whole), source


def test_left_and_right_are_all_trials(names) -> None:
    session = names["ibl"]
    sides = names["psth_left"].n_events + names["psth_right"].n_events
    assert sides.tolist() == session.psth().n_events.tolist()
    assert names["psth_left"].n_events.min() > 0


def test_right_choices_of_both_tasks(names) -> None:
    for source, psth in names["correct"].items():
        trials = names["sessions"][source].trials
        assert 0 < psth.n_events.max() <= (trials["correct"] == 1).sum() < len(trials), source


def test_onsets_of_changes_are_those_of_the_presentations(names) -> None:
    session = names["sessions"]["allen_vbn"]
    changes = session.trials.loc[session.trials["go"], "stimulus_onset"]
    assert changes.notna().all()
    assert set(changes) <= set(session.events("image change").times)
    assert session.trials.loc[session.trials["aborted"], "stimulus_onset"].isna().all()
    # the display follows the command
    assert (changes - session.trials["change_time_no_display_delay"]).dropna().between(0, 0.1).all()


def test_parts_are_cut_where_the_page_says(names) -> None:
    for source, part in names["parts"].items():
        whole = names["sessions"][source].spikes
        inside = (whole.times >= 100) & (whole.times < 160)
        assert part.spikes.times.tolist() == whole.times[inside].tolist(), source
        assert len(part.windows("continuous-1s")) == 60
        onsets = names["sessions"][source].events("stimulus onset").times
        n_averaged = names["of_part"][source].n_events.max()
        assert 0 < n_averaged <= ((onsets >= 100) & (onsets < 160)).sum()


def test_what_a_source_lacks_is_refused_with_the_nearest(names) -> None:
    assert set(names["refused"]) == set(SOURCES)
    assert "Did you mean image change" in names["refused"]["allen_vbn"]


def test_own_times_have_counts_of_every_source(names) -> None:
    for source, windows in names["own"].items():
        assert windows.counts.shape == (20, names["summary"].loc[source, "good units"], 10)
        assert windows.counts.sum() > 0


def test_numbers_are_taken_for_the_ids_of_allen(names) -> None:
    session = names["sessions"]["allen_vc"]
    same = names["store"].session("allen_vc", int(session.session_id))
    unit = session.units["unit_id"].iloc[3]
    assert np.array_equal(same.spikes_of(int(unit)), session.spikes.of_unit(3))
    assert same.psth(units=[int(unit)]).unit_ids.tolist() == [unit]
