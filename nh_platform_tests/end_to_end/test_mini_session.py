"""A real insertion through all assets: no amplitudes, no spike depths, units without spikes, gaps in the recording."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import dagster as dg
import numpy as np
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import WindowSet
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.reading import SessionView, open_store
from nh_platform_tests.homes import materialize
from nh_platform_tests.sources.ibl.test_reference import EID, lay_out_mini_session

pytestmark = pytest.mark.reference


SEGMENTS = [(60.96, 114.95), (804.54, 888.81), (1117.73, 1166.41)]
"""Seconds that the spikes cover, as the reference data state them, outwards."""

CONTINUOUS = {"continuous-1s": 1.0, "poyo-1s": 1.0, "mtm-unaligned": 2.0, "forecast-1s": 2.0}
ALIGNED = [
    *("stim-halves-500ms", "mtm-neds-5hz", "mtm-neds-2hz", "bwb-2026-choice", "bwb-2026-feedback"),
    *("bwb-2026-stimulus", "bwb-2026-movement", "bwb-2026-block"),
]


@pytest.fixture(scope="module")
def session(reference_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> SessionView:
    folder = tmp_path_factory.mktemp("mini")
    lay_out_mini_session(folder / "upstream" / "ibl", reference_dir / "ibl_mini_session")
    presets = [*CONTINUOUS, "stim-halves-500ms", "mtm-neds-5hz", "mtm-neds-2hz", "bwb-2026"]
    read, assets = "{mode: local, root: upstream/ibl}", "[spike_events]"
    text = f"ibl:\n  read: {read}\n  presets: [{', '.join(presets)}]\n  also_assets: {assets}\n"
    text += "  reference_window: whole-session\n"
    (folder / "sources.yaml").write_text(text, encoding="utf-8")
    home = Platform(load_settings(folder))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(home, instance, "ibl")
    assert outcome.success, outcome.errors
    return open_store(home.store.root).session("ibl", EID)


def test_the_real_insertion_is_ingested(session, reference_dir: Path) -> None:
    assert len(session.units) == 262
    assert len(session.spikes.times) == 126_437
    assert int((session.spikes.counts > 0).sum()) == 251
    np.testing.assert_array_equal(
        np.sort(session.spikes.times), np.sort(np.load(reference_dir / "ibl_mini_session" / "spikes.times.npy"))
    )
    notes = " ".join(session.provenance("raw_spikes").left_out)
    assert "amps" in notes
    assert "depths" in notes
    stored = session.units["released.label"].to_numpy()
    for rulebook, n_differing in (("ibl-2022-03", 0), ("ibl-2022-10", 46)):
        label = apply_rulebook(session.units, load_rulebook(rulebook)).label
        assert int((~np.isclose(label, stored)).sum()) == n_differing
    assert session.windows("continuous-1s").counts.sum() > 100_000
    assert len(session.embeddings) == 262


def within_segments(start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    return np.any([(start >= low) & (stop <= high) for low, high in SEGMENTS], axis=0)


@pytest.mark.parametrize("preset", [*CONTINUOUS, *ALIGNED])
def test_windows_in_the_gaps_are_not_valid_and_none_of_them_is_read_for_training(session, preset: str) -> None:
    view = session.windows(preset)
    index = view.index
    start, stop = index["start"].to_numpy(), index["stop"].to_numpy()
    inside = within_segments(start, stop)
    assert inside.any()
    # a window that only touches an end of a segment may be either: its last spike is not the end of the recording
    clear = inside == within_segments(start - 0.05, stop + 0.05)
    np.testing.assert_array_equal(index["valid"][clear], inside[clear])
    kind: Literal["counts", "events"] = "counts" if view.preset.bin_us else "events"
    ws = WindowSet(session, preset, kind=kind)
    samples = [ws[i] for i in range(len(ws))]
    assert [sample.window_id for sample in samples] == index.index[index["valid"]].tolist()
    n_spikes = [int(sample.counts.sum()) if kind == "counts" else len(sample.times) for sample in samples]
    assert min(n_spikes) > 100
    if kind == "counts":  # two spikes of a segment are 0.047 s apart at most: no 5 bins of 20 ms are empty
        per_bin = [sample.counts.sum(axis=0, dtype=int) for sample in samples]
        assert all(np.convolve(counts, np.ones(5), "valid").min() > 0 for counts in per_bin)
    if preset in CONTINUOUS:
        n_whole = int(inside.sum())
        assert len(index) > 900 / CONTINUOUS[preset]
        assert n_whole - 3 <= len(ws) <= n_whole + 3


def test_what_was_not_recorded_is_said_and_no_part_of_a_rate(session) -> None:
    assert [note for note in session.provenance("windows").left_out if "2 pauses" in note]
    assert session.valid_spikes.duration_s["probe00"] == pytest.approx(186.92, abs=0.1)
    embedded, n_spikes = session.embeddings, session.spikes.counts
    np.testing.assert_allclose(embedded["rate_hz"], n_spikes / session.valid_spikes.duration_s["probe00"], rtol=1e-5)
    around_gap = session.windows_around([100.0, 500.0, 850.0], -0.5, 0.5, 0.02)
    assert around_gap.valid.all(axis=1).tolist() == [True, False, True]
