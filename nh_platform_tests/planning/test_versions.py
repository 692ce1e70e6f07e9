"""What of a session is stale, and what its gate keeps from being tried again: one rule, on plain data."""

from __future__ import annotations

from nh_platform.assets.registry import all_session_assets
from nh_platform.planning.staleness import Standing, standing
from nh_platform.planning.versions import ExpectedAsset

GATE = ("spike times are NaN or not sorted within a unit",)
EXPECTED = {
    name: ExpectedAsset(asset, {}, {}, f"version of {name}")
    for name, asset in all_session_assets().items()
    if asset.of_every_source
}


def stored(**other: str | None) -> dict[str, str | None]:
    return {**{name: one.data_version for name, one in EXPECTED.items()}, **other}


def test_what_is_missing_or_of_another_version_is_stale_in_running_order() -> None:
    held = standing(EXPECTED, stored(windows="old", signals=None), ())
    assert held == Standing(("signals", "windows"), (), (), is_loaded=True)


def test_a_current_session_lacks_nothing() -> None:
    assert standing(EXPECTED, stored(), ()) == Standing((), (), (), is_loaded=True)


def test_of_a_session_that_was_never_loaded_everything_is_stale() -> None:
    held = standing(EXPECTED, dict.fromkeys(EXPECTED), ())
    assert (held.stale, held.is_loaded) == (tuple(EXPECTED), False)


def test_what_a_current_gate_stops_is_not_stale() -> None:
    held = standing(EXPECTED, stored(signals=None, windows=None, unit_embeddings="old"), GATE)
    assert held == Standing(("signals",), ("windows", "unit_embeddings"), GATE, is_loaded=True)


def test_a_gate_that_is_not_current_stops_nothing() -> None:
    held = standing(EXPECTED, stored(raw_spikes="old", windows=None, unit_embeddings=None), GATE)
    assert held.stale == ("raw_spikes", "windows", "unit_embeddings")
    assert held.stopped == ()
