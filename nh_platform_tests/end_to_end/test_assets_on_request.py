"""Body parts, waveforms and noise are made and read where `sources.yaml` asks for them.

Nothing else is made anew but what reads waveforms and noise where they are: the session's page and `unit_embeddings`.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import numpy as np
import pytest

import nh_platform
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reading.inclusion import session_inclusion
from nh_platform.session import UnknownSession
from nh_platform.store.codecs.spike_event_files import SPIKE_EVENTS_FILE, map_spike_events
from nh_platform_tests.homes import make_home, materialize

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("source", "asked_for"),
    [
        ("ibl", ("pose", "mean_waveforms", "noise", "spike_events", "window_embeddings")),
        ("allen_vc", ("mean_waveforms", "spike_events", "window_embeddings")),
    ],
)
def test_what_is_asked_for_is_made_and_read(tmp_path: Path, source: str, asked_for: tuple[str, ...]) -> None:
    platform = make_home(tmp_path, [source])
    with dg.DagsterInstance.ephemeral() as instance:
        assert all(outcome.success for outcome in materialize(platform, instance, source))
        session_id = platform.manifest(source).session_ids[0]
        session = nh_platform.open_store(tmp_path).session(source, session_id)
        before = {asset: session.provenance(asset).data_version for asset in session.assets}
        with pytest.raises(UnknownSession, match="made only where it is asked for"):
            session.mean_waveforms()

        stated = (tmp_path / "sources.yaml").read_text()
        (tmp_path / "sources.yaml").write_text(f"{stated}  also_assets: [{', '.join(asked_for)}]\n")
        again = Platform(load_settings(tmp_path))
        (outcome,) = materialize(again, instance, source)
        assert outcome.success
    session = nh_platform.open_store(tmp_path).session(source, session_id)
    assert set(session.assets) == {*before, *asked_for}
    moved = {asset for asset, version in before.items() if session.provenance(asset).data_version != version}
    assert moved == {"session_report", "unit_embeddings"}
    units = session.units
    events = map_spike_events(session.folder("spike_events") / SPIKE_EVENTS_FILE)
    in_order = np.argsort(session.spikes.times, kind="stable")
    np.testing.assert_array_equal(events.times, session.spikes.times[in_order])
    np.testing.assert_array_equal(events.unit_row, session.spikes.clusters[in_order])
    assert events.unit_ids == tuple(units["unit_id"])
    waves = session.mean_waveforms(units["unit_id"][:3].tolist())
    assert waves.unit_ids == tuple(units["unit_id"][:3])
    assert 1e-5 < np.nanmax(-session.mean_waveforms().values) < 2e-3
    if source == "ibl":
        paws = session.pose("left")
        assert {"times", "paw_l_x", "paw_l_likelihood"} < set(paws)
        assert len(paws) > 100
        found = session_inclusion(again.store, again.manifest(source), session_id, load_rulebook("ibl-rigor"))
        assert {"ap_rms", "lfp_derivative"}.isdisjoint(found.not_known)
        assert session.trials["reaction_time"].notna().sum() > 20
        assert len(session.wheel_motion().velocity) > 1000
