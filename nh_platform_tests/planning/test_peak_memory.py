"""Large sessions are told from small ones by the bytes of their spikes and by what is made of them."""

from __future__ import annotations

import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.planning.peak_memory import LARGE_GB, PROCESS_GB, memory_class, peak_memory_gb

BYTES_PER_SPIKE = 30.0


@pytest.mark.parametrize(("n_spikes", "expected"), [(0.0, "small"), (11.5e6, "small"), (59.4e6, "large")])
def test_a_session_of_one_insertion_is_small_and_one_of_five_is_large(n_spikes: float, expected: str) -> None:
    assets = session_assets("ibl").values()
    assert memory_class(peak_memory_gb(assets, n_spikes * BYTES_PER_SPIKE)) == expected


def test_the_asset_that_takes_most_counts_and_not_the_sum() -> None:
    assets = session_assets("ibl")
    alone = [peak_memory_gb([asset], 1e9) for asset in assets.values()]
    assert peak_memory_gb(assets.values(), 1e9) == max(alone)
    assert peak_memory_gb([], 1e9) == PROCESS_GB < LARGE_GB


def test_what_is_cheap_to_make_of_a_large_session_is_small() -> None:
    assets = session_assets("ibl")
    assert memory_class(peak_memory_gb([assets["raw_spikes"]], 1.8e9)) == "large"
    assert memory_class(peak_memory_gb([assets["events"]], 1.8e9)) == "small"
