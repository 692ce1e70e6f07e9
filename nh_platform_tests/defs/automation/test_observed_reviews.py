"""What the page shows of reviews: who decided what and why, and counts by state on `units`."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.defs.automation.observations import observe
from nh_platform.home.platform import Platform
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.session_states import source_states
from nh_platform_tests.homes import make_home, materialize


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",))
    operations.sync(platform.settings.home, "ibl")
    return platform


def add(platform: Platform, reviewer: str, **review: object) -> None:
    session = platform.manifest("ibl").session_ids[0]
    stated = {"reviewer": reviewer, "date": "2026-01-02", "unit": "u1", **review}
    operations.add_review(OpenHome(platform), "ibl", session, stated)


def observed(platform: Platform, digest: str = "") -> tuple[str, list[dg.AssetObservation]]:
    found, observations = observe(platform, platform.entry("ibl"), source_states(platform, "ibl"), digest)
    return found, [one for one in observations if one.asset_key.path[-1] == "reviews"]


def test_an_observation_lists_reviewers_decisions_and_reasons(platform: Platform) -> None:
    digest, (none,) = observed(platform)
    assert (none.metadata["reviewers"].value, none.metadata["reviews"].value) == ("none", "none")
    add(platform, "ada", decision="fail", reason="two <b>neurons</b>")
    add(platform, "bea", comment="an axon?", date="2026-01-03")
    digest, (one,) = observed(platform, digest)
    assert (one.metadata["reviewers"].value, one.metadata["number of reviews"].value) == ("ada, bea", 2)
    rows = [record.data for record in one.metadata["reviews"].records]
    assert [(row["date"], row["reviewer"], row["decision"], row["reason"]) for row in rows] == [
        ("2026-01-03", "bea", "comment", "an axon?"),
        ("2026-01-02", "ada", "fail", "two <b>neurons</b>"),
    ]
    assert rows[0]["about"] == "unit u1"
    add(platform, "cal", comment="no", answers=rows[0]["id"])
    assert observed(platform, digest) == (digest, []), "a comment alone is no new version"


def test_units_count_what_was_reviewed_by_state(platform: Platform) -> None:
    for reviewer in ("ada", "bea"):
        add(platform, reviewer, unit=None, interval=(1.0, 2.0), decision="fail", reason="noise")
    add(platform, "ada", decision="withdrawn", reason="no")
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=("raw_spikes", "units"))
        key = dg.AssetKey(["ibl", "units"])
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        metadata = event.asset_materialization.metadata
    counts = [record.data for record in metadata["reviews by state"].records]
    assert counts == [
        {"what": "interval", "state": "counted", "number": 1},
        {"what": "unit", "state": "withdrawn", "number": 1},
    ]
    assert metadata["reviewed"].records[0].data["decision"] == "withdrawn by ada"
    assert Path(str(metadata["dagster/uri"].value), "reviewed_unit_intervals.parquet").is_file()
