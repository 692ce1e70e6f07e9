"""A real insertion through all assets: no amplitudes, no spike depths, units without spikes."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.reading import open_store
from nh_platform_tests.homes import materialize
from nh_platform_tests.sources.ibl.test_reference import EID, lay_out_mini_session

pytestmark = pytest.mark.reference


def test_the_real_insertion_is_ingested(reference_dir: Path, tmp_path: Path) -> None:
    lay_out_mini_session(tmp_path / "upstream" / "ibl", reference_dir / "ibl_mini_session")
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream/ibl}\n", encoding="utf-8")
    home = Platform(load_settings(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(home, instance, "ibl")
    assert outcome.success, outcome.errors
    session = open_store(home.store.root).session("ibl", EID)
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
