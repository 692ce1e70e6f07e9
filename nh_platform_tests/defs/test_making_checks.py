"""A per-session asset may carry checks: they are partitioned, run with the asset, and stand beside those of rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from nh_platform.assets.on_request import spike_events
from nh_platform.assets.record import AssetCheck, AssetResult, CheckOutcome
from nh_platform.assets.registry import all_session_assets
from nh_platform.defs.checks import session_checks
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.sources.registry import source_entry
from nh_platform_tests.homes import make_home, materialize

CHECK = AssetCheck("few_spikes", "The session has few spikes.")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    made = spike_events.ASSET

    def make(inputs: object) -> AssetResult:
        result = made.make(inputs)  # type: ignore[arg-type]
        return replace(result, checks={CHECK.name: CheckOutcome(result.rows < 10, f"{result.rows} spikes.")})

    monkeypatch.setitem(all_session_assets(), made.name, replace(made, make=make, checks=(CHECK,)))
    make_home(tmp_path, ["ibl"])
    with (tmp_path / "sources.yaml").open("a") as stream:
        stream.write("  also_assets: [spike_events]\n")
    return Platform(load_settings(tmp_path))


def test_the_check_of_an_asset_is_run_with_it_and_warns(home: Platform) -> None:
    (key,) = session_checks(source_entry("ibl"), home)["spike_events"]
    assert key.name == CHECK.name
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(home, instance, "ibl", assets=["raw_spikes", "spike_events"])
        assert outcome.success
        (warned,) = [one for one in outcome.warned if one.check == CHECK.name]
        assert (warned.asset, warned.word) == ("spike_events", "warns")
        assert warned.text.endswith(" spikes.")
        assert instance.event_log_storage.get_asset_check_execution_history(key, 1)
