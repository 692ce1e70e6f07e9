"""A token that is revoked in the middle of a run, as the swap of the public database does: renewed, or named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from nh_platform_tests.end_to_end.remote_homes import make_remote_home, write_upstream
from nh_platform_tests.end_to_end.test_sessions import fingerprint
from nh_platform_tests.homes import materialize
from nh_platform_tests.loopback import Loopback

READ = ("raw_spikes", "events", "signals")
ANY = r"."


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Loopback]:
    with Loopback(write_upstream(tmp_path / "upstream")) as running:
        yield running


def test_a_password_logs_the_run_in_again(servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_remote_home(tmp_path / "home", servers, monkeypatch)
    servers.files.when(ANY, servers.state.revoke_tokens)
    refused: list[int] = []
    servers.files.when(ANY, lambda: refused.append(len(servers.alyx.asked("auth-token"))))
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(home, instance, "ibl", assets=READ)
    assert outcome.success, outcome.errors
    assert len(servers.alyx.asked("auth-token")) > refused[0], "the rest of the run logged in anew"
    session = outcome.plan.session_id
    assert all(home.store.provenance("ibl", session, asset) for asset in READ)


def test_a_token_alone_is_named_and_nothing_half_done_is_stored(
    servers: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_remote_home(tmp_path / "home", servers, monkeypatch, token=servers.state.issue_token("reader"))
    servers.files.when(ANY, servers.state.revoke_tokens)
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = materialize(home, instance, "ibl", assets=READ)
        assert not outcome.success
        session = outcome.plan.session_id
        assert "tokens change after a release" in " ".join(outcome.errors)
        assert len(servers.alyx.asked("auth-token")) == 1, "by ONE itself, which has no password to send"
        stored = [asset for asset in READ if home.store.provenance("ibl", session, asset)]
        assert len(stored) == 1, "what was read before it is kept"
        before = fingerprint(home.store.asset_folder("ibl", session, stored[0]))
        again = make_remote_home(tmp_path / "home", servers, monkeypatch, token=servers.state.issue_token("reader"))
        (outcome,) = materialize(again, instance, "ibl", assets=READ)
    assert outcome.success, outcome.errors
    assert all(home.store.provenance("ibl", session, asset) for asset in READ)
    assert fingerprint(home.store.asset_folder("ibl", session, stored[0])) == before
