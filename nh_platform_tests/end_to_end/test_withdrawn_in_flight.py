"""A session that upstream withdraws while its run is in flight: the run ends by name, nothing stored is lost."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from nh_platform.defs.partitions import register_sessions
from nh_platform.defs.platform import Platform
from nh_platform.simulation import remove_session
from nh_platform.sources.catalog import SessionFiles
from nh_platform.sources.ibl import IblSource
from nh_platform.sources.publishing import store_manifest
from nh_platform_tests.end_to_end.test_sessions import fingerprint
from nh_platform_tests.homes import make_home, materialize


def test_a_session_withdrawn_in_flight_ends_by_name_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, ("ibl",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance:
        assert all(outcome.success for outcome in materialize(home, instance, "ibl"))
        gone, kept = home.manifest("ibl").session_ids
        before = fingerprint(home.store.root / "ibl" / gone)
        read = IblSource.read_behavior

        def withdraw_and_read(self: IblSource, session: SessionFiles) -> object:
            """Play what another process does meanwhile: upstream withdraws the session and the catalogue is read."""
            found = read(self, session)
            if session.session.session_id == gone:
                remove_session(tmp_path / "upstream" / "ibl", gone)
                other = Platform(home.settings)
                store_manifest(other.store, other.source("ibl").manifest(), "2")
                register_sessions(instance, "ibl", other.manifest("ibl").session_ids)
            return found

        monkeypatch.setattr(IblSource, "read_behavior", withdraw_and_read)
        outcomes = {o.plan.session_id: o for o in materialize(home, instance, "ibl", only_stale=False)}
        assert outcomes[kept].success
        assert not outcomes[gone].success
        assert gone in " ".join(outcomes[gone].errors)
        assert "does not list it" in " ".join(outcomes[gone].errors)
        assert fingerprint(home.store.root / "ibl" / gone) == before
        assert gone in instance.get_dynamic_partitions("ibl_sessions"), "a partition with assets is never deleted"
