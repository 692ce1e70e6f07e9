"""An invalid interval of one probe of two is out of its spikes, rates, windows, PSTHs and tensors, and of no others.

The simulated Visual Coding session has one planted on its last probe, among the gabors; counted reviews add another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import dagster as dg
import numpy as np
import pytest

from nh_platform.exports.stimulus import StoredTensors
from nh_platform.exports.stimulus.netcdf import Variable
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import open_store
from nh_platform.reading.session_view import SessionView
from nh_platform.windows.presentations.cleaning import median_durations, regular
from nh_platform_tests.homes import make_home, materialize

REVIEWS = """\
source: allen_vc
session: {session}
reviews:
"""
REVIEW = """\
  - interval: [{start}, {stop}]
    scope: {probe}
    decision: fail
    reason: the headstage was unplugged
    reviewer: {reviewer}
    date: 2026-03-01
"""


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Platform:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder, ("allen_vc",))
    with (folder / "sources.yaml").open("a", encoding="utf-8") as file:
        file.write("  stimulus_modes: [exact]\n  reference_window: whole-session\n")
    made = Platform(load_settings(folder))
    assert [outcome.errors for outcome in materialize(made, instance, "allen_vc")] == [()]
    return made


def opened(platform: Platform) -> SessionView:
    return open_store(platform.store.root).session("allen_vc", platform.manifest("allen_vc").session_ids[0])


def planted(session: SessionView) -> tuple[float, float, str]:
    """Return start, stop and probe of the interval that upstream states."""
    table = session.events["invalid_times"]
    (row,) = table[table["scope"].isin(session.probes["probe"])].itertuples()
    return row.start_time, row.stop_time, row.scope


def tensor(session: SessionView) -> Mapping[str, Variable]:
    stored = StoredTensors(session.folder("stimulus_tensors"), session.session_id, "exact")
    flashes = stored.presentations.query("stimulus_type == 'flashes'")
    usual = flashes[regular(flashes, median_durations([flashes]))]
    return stored.groups("flashes", usual["presentation_id"])["spike_data"]


def on_probe(session: SessionView, probe: str) -> np.ndarray:
    return (session.units["probe"] == probe).to_numpy()


def test_counts_of_presentations_are_flagged_for_the_bad_probe_alone(platform: Platform) -> None:
    session = opened(platform)
    start, stop, probe = planted(session)
    bad = on_probe(session, probe)
    assert 0 < bad.sum() < len(bad)
    gabors = session.presentations.query("stimulus_name == 'gabors' and valid")
    touched = ((gabors["start_time"] - 0.05 < stop) & (gabors["start_time"] + 0.5 > start)).to_numpy()
    assert touched.sum() > 10
    counts = session.presentation_counts("gabors")
    assert np.array_equal(counts.valid, ~np.outer(touched, bad))
    means = session.presentation_means("running_speed", "gabors", -0.05, 0.5)
    assert np.array_equal(means[f"valid.{probe}"].to_numpy(), ~touched)
    assert means.filter(like="valid.").drop(columns=f"valid.{probe}").all(axis=None)


def test_a_psth_leaves_those_presentations_out_and_says_how_many(platform: Platform) -> None:
    session = opened(platform)
    start, stop, probe = planted(session)
    bad = on_probe(session, probe)
    by = session.psth(("presentations", "start_time"), by="stimulus_name", start=-0.05, stop=0.25, bin_s=0.05)
    gabors = session.presentations.query("stimulus_name == 'gabors'")["start_time"]
    touched = int(((gabors - 0.05 < stop) & (gabors + 0.25 > start)).sum())
    other = next(name for name in session.probes["probe"] if name != probe)
    assert by["gabors"].left_out == {other: 0, probe: touched}
    assert np.array_equal(by["gabors"].n_events, len(gabors) - touched * bad)


def test_features_are_over_the_valid_time_of_each_probe(platform: Platform) -> None:
    session = opened(platform)
    start, stop, probe = planted(session)
    first, last = session.spikes.time_range
    assert session.valid_spikes.duration_s[probe] == pytest.approx(last - first - (stop - start))
    features = session.embeddings
    for row in range(len(session.units)):
        times, seconds = session.spikes.of_unit(row), last - first
        if session.units["probe"].iloc[row] == probe:
            times, seconds = times[(times < start) | (times >= stop)], seconds - (stop - start)
        assert features["n_spikes"].iloc[row] == len(times)
        assert features["rate_hz"].iloc[row] == pytest.approx(len(times) / seconds, rel=1e-5)
    # The recomputed metrics stay over the whole recording, as the released ones are.
    assert np.array_equal(session.units["n_spikes"], session.spikes.counts)


def test_counted_reviews_mark_the_same_everywhere(platform: Platform, instance: dg.DagsterInstance) -> None:
    session = opened(platform)
    _, _, bad = planted(session)
    probe = next(name for name in session.probes["probe"] if name != bad)
    in_tensor = tensor(session)["presentation_id"].values
    shown = session.presentations.set_index("presentation_id", drop=False).loc[in_tensor[3]]
    when = {"start": float(shown["start_time"]) + 0.05, "stop": float(shown["start_time"]) + 0.06, "probe": probe}
    before = {asset: session.provenance(asset).data_version for asset in session.assets}

    file = platform.settings.reviews / "allen_vc" / f"{session.session_id}.yaml"
    file.parent.mkdir(parents=True)
    text = REVIEWS.format(session=session.session_id)
    file.write_text(text + "".join(REVIEW.format(**when, reviewer=name) for name in ("ada", "bea")), encoding="utf-8")
    (outcome,) = materialize(platform, instance, "allen_vc")
    assert outcome.errors == ()
    moved = {"units", "windows", "unit_embeddings", "session_report", "stimulus_tensors"}
    assert set(outcome.plan.assets) == moved
    session = opened(platform)
    assert {asset for asset in session.assets if session.provenance(asset).data_version != before[asset]} == moved

    counts = session.presentation_counts("flashes", 0.0, 0.1, 0.01)
    row = counts.presentation_ids.tolist().index(shown["presentation_id"])
    assert np.array_equal(np.argwhere(~counts.valid)[:, 0], np.full(on_probe(session, probe).sum(), row))
    assert session.valid_spikes.duration_s[probe] == pytest.approx(
        np.subtract(*session.spikes.time_range[::-1]) - 0.01, abs=1e-9
    )
    masks = session.windows("continuous-1s").masked(int(when["start"]) - int(session.spikes.time_range[0]), probe)
    assert masks.any()

    of_unit = session.units.set_index("unit_id")["probe"]
    found = tensor(session)
    probes = of_unit[found["unit_id"].values.astype(str)].to_numpy()
    assert set(probes) == {probe, bad}
    assert np.array_equal(
        found["valid"].values == 0, np.outer(found["presentation_id"].values == in_tensor[3], probes == probe)
    )
