"""A session stays within its memory through the whole chain: each asset in a process whose data have a limit."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.bench_memory import SOURCE, measure, session_home
from nh_platform.assets.registry import session_assets
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.peak_memory import peak_memory_gb


@pytest.mark.parametrize(
    ("probes", "limit_gb"),
    [pytest.param(1, 2.0, marks=pytest.mark.slow), pytest.param(5, 4.0, marks=pytest.mark.soak)],
    ids=["11.5 M spikes", "59 M spikes"],
)
def test_every_asset_of_a_session_is_made_under_the_limit_and_takes_what_it_states(
    probes: int, limit_gb: float, tmp_path: Path
) -> None:
    assets = session_home(tmp_path, probes)
    found = measure(tmp_path, assets, limit_gb)
    assert [name for name, *_ in found] == assets
    spike_bytes = float(Platform(load_settings(tmp_path)).manifest(SOURCE).spike_bytes().max())
    for name, peak, _ in found:
        assert peak < limit_gb, name
        assert peak < 1.25 * peak_memory_gb([session_assets(SOURCE)[name]], spike_bytes), name
