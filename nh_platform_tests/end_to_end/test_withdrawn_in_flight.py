"""A session that upstream withdraws while its run downloads: the run ends by name, nothing stored is lost."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.automation import evaluate_release
from nh_platform.defs.partitions import register_sessions
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.planning.session_states import withdrawn
from nh_platform.sources.registry import source_entry
from nh_platform_tests.end_to_end.remote_homes import make_remote_home, write_upstream
from nh_platform_tests.end_to_end.test_sessions import fingerprint
from nh_platform_tests.homes import materialize
from nh_platform_tests.loopback import Loopback


@pytest.mark.parametrize(
    ("server", "moment", "text"),
    [
        ("files", r"/spikes\.", "does not exist (HTTP 404)"),
        ("alyx", r"/datasets.*id__in", "upstream lists none of its"),
    ],
    ids=["while it downloads", "before it asks where its files are"],
)
def test_a_session_withdrawn_in_flight_ends_by_name_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, moment: str, text: str
) -> None:
    with Loopback(write_upstream(tmp_path / "upstream", 2)) as servers, dg.DagsterInstance.ephemeral() as instance:
        home = make_remote_home(tmp_path / "home", servers, monkeypatch)
        assert all(outcome.success for outcome in materialize(home, instance, "ibl", assets=["events"]))
        gone, kept = home.manifest("ibl").session_ids
        before = fingerprint(home.store.root / "ibl" / gone)

        def look() -> None:
            """Play the process of the daily look."""
            other = Platform(home.settings)
            store_manifest(other.store, other.source("ibl").manifest(), "2")
            register_sessions(instance, "ibl", other.manifest("ibl").session_ids)

        def withdraw() -> None:
            """Play upstream; while files are downloaded the catalogue is looked at as well."""
            servers.state.delete_session(gone)
            if server == "files":
                look()

        getattr(servers, server).when(moment, withdraw)
        ids = [gone, kept]
        outcomes = {o.plan.session_id: o for o in materialize(home, instance, "ibl", ids, assets=["raw_spikes"])}
        assert outcomes[kept].success, outcomes[kept].errors
        assert not outcomes[gone].success
        said = " ".join(outcomes[gone].errors)
        assert gone in said
        assert text in said
        assert fingerprint(home.store.root / "ibl" / gone) == before, "what is stored stays, and nothing half is added"
        assert gone in instance.get_dynamic_partitions("ibl_sessions"), "a partition with assets is never deleted"

        look()
        assert withdrawn(home, "ibl") == [gone]
        result = evaluate_release(instance, source_entry("ibl"), home, None)
        assert isinstance(result, dg.SensorResult)
        asked_for = {request.partition_key for request in result.run_requests or []}
        assert gone not in asked_for, "nobody tries it again"
