"""A scripted history of releases on the loopback Alyx: after each step exactly the affected assets are made again.

The expectations are fixed by hand. Each step is one look at the catalogue and ticks of the release sensor, whose
requests are executed as Dagster runs on an ephemeral instance; a real daemon does the same in `services/`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from nh_platform.cli.sync import sync_platform
from nh_platform.defs.automation import evaluate_release, failed_sessions, release_job_name, session_job_name
from nh_platform.defs.build import build_defs
from nh_platform.defs.platform import Platform
from nh_platform.defs.registry import source_entry
from nh_platform.defs.session_states import source_states
from nh_platform.defs.settings import load_settings
from nh_platform.simulation import TINY, add_revision, add_session, remove_session, write_ibl
from nh_platform.simulation.ibl_session import simulate_ibl_session
from nh_platform_tests.homes import SEED, materialize
from nh_platform_tests.loopback import Loopback

pytestmark = pytest.mark.slow

ALL = ("raw_spikes", "behavior", "units", "windows", "unit_embeddings")
BELOW_UNITS = ("units", "windows", "unit_embeddings")
MANIFEST = "release_manifest"


class World:
    """A home that reads from the loopback servers, an instance, and the sensor between them."""

    def __init__(self, folder: Path, servers: Loopback, instance: dg.DagsterInstance) -> None:
        self.root, self.servers, self.instance = servers.state.root, servers, instance
        self.settings = load_settings(folder)
        self.cursor: str | None = None
        self.observed: list[tuple[str, str]] = []

    @property
    def platform(self) -> Platform:
        return Platform(self.settings)

    def tick(self) -> list[dg.RunRequest]:
        """Do one tick of the sensor and keep its cursor."""
        result = evaluate_release(self.instance, source_entry("ibl"), self.platform, self.cursor)
        assert isinstance(result, dg.SensorResult), result
        self.cursor = result.cursor
        self.observed = [("/".join(e.asset_key.path[1:]), e.partition) for e in result.asset_events]
        return list(result.run_requests or [])

    def run(self, request: dg.RunRequest) -> tuple[str | None, tuple[str, ...], bool]:
        """Execute one request as the daemon would and return session, assets and success."""
        assets = tuple(key.path[-1] for key in request.asset_selection or ())
        name = release_job_name("ibl") if assets == (MANIFEST,) else session_job_name("ibl")
        job = build_defs(self.platform).resolve_job_def(name)
        result = job.execute_in_process(
            instance=self.instance,
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or ()),
            tags=dict(request.tags),
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        return request.partition_key, assets, result.success

    def settle(self) -> list[tuple[str | None, tuple[str, ...]]]:
        """Tick and run until the sensor asks for nothing more; return what was run."""
        done: list[tuple[str | None, tuple[str, ...]]] = []
        keys: set[str] = set()
        for _ in range(6):
            requests = [request for request in self.tick() if request.run_key not in keys]
            if not requests:
                return done
            for request in requests:
                keys.add(str(request.run_key))
                session, assets, success = self.run(request)
                assert success, (session, assets)
                done.append((session, tuple(sorted(assets, key=(*ALL, MANIFEST).index))))
        raise AssertionError(f"the sensor goes on asking: {done}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    write_ibl(folder / "alyx", 2, SEED, size=TINY)
    (folder / "sources.yaml").write_text("ibl:\n  read: {mode: remote, retry_wait_s: 0.0}\n", encoding="utf-8")
    with (
        Loopback(folder / "alyx") as servers,
        dg.DagsterInstance.ephemeral() as instance,
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        for name, value in servers.environment.items():
            patch.setenv(name, value)
        made = World(folder, servers, instance)
        assert all(outcome.success for outcome in materialize(made.platform, instance, "ibl"))
        made.tick()
        yield made


def eids(world: World) -> list[str]:
    return sorted(world.platform.manifest("ibl").session_ids)


def new_session(world: World) -> dict[str | None, tuple[str, ...]]:
    session = add_session(world.root, 2, SEED, size=TINY)
    world.servers.state.sync_tree()
    return {session.session_id: ALL}


def resort_of_one_probe(world: World) -> dict[str | None, tuple[str, ...]]:
    session = _index_of(world, 0)
    add_revision(world.root, 0, SEED, size=TINY, probe="probe00", revision="2026-01-01")
    world.servers.state.sync_tree()
    return {session: ("raw_spikes", *BELOW_UNITS)}


def wheel_patch(world: World) -> dict[str | None, tuple[str, ...]]:
    session = _index_of(world, 1)
    state = world.servers.state
    path = state.local_path(state.find(session, "alf/_ibl_wheel.position.npy"))
    turned = path.with_suffix(".turned")
    with turned.open("wb") as handle:
        np.save(handle, -np.load(path))
    content = turned.read_bytes()
    turned.unlink()
    state.patch_file(session, "alf/_ibl_wheel.position.npy", content)
    return {session: ("behavior", "windows", "unit_embeddings")}


def qc_change(world: World) -> dict[str | None, tuple[str, ...]]:
    session = _index_of(world, 1)
    world.servers.state.set_dataset_qc(session, "alf/_ibl_trials.table.pqt", "WARNING")
    return {session: BELOW_UNITS}


def realignment(world: World) -> dict[str | None, tuple[str, ...]]:
    session = _index_of(world, 0)
    pid = next(p for p, record in world.servers.state.insertions.items() if session in str(record["session"]))
    world.servers.state.set_insertion(pid, alignment_resolved=True, alignment_stored="2026-02-02T10:00:00_someone")
    return {session: BELOW_UNITS}


def touch(world: World) -> dict[str | None, tuple[str, ...]]:
    for session in eids(world):
        world.servers.state.touch(session)
    return {}


def tag_only(world: World) -> dict[str | None, tuple[str, ...]]:
    world.servers.state.add_tag("2026_Q1_Test", list(world.servers.state.datasets)[:5])
    return {}


def notice_only(world: World) -> dict[str | None, tuple[str, ...]]:
    world.servers.state.add_notice("The wheel of some sessions is turned around")
    return {}


def deletion(world: World) -> dict[str | None, tuple[str, ...]]:
    session = _index_of(world, 1)
    remove_session(world.root, session)
    world.servers.state.delete_session(session)
    return {}


def old_row_becomes_public(world: World) -> dict[str | None, tuple[str, ...]]:
    session = add_session(world.root, 3, SEED, size=TINY)
    world.servers.state.sync_tree()
    for record in world.servers.state.datasets.values():
        if session.session_id in str(record.get("session", "")) or record.get("eid") == session.session_id:
            record["auto_datetime"] = "2019-01-01T00:00:00"
    return {session.session_id: ALL}


def _index_of(world: World, index: int) -> str:
    """Return the id of the simulated session number ``index``."""
    return simulate_ibl_session(SEED, index, TINY).eid


HISTORY: list[Callable[[World], dict[str | None, tuple[str, ...]]]] = [
    new_session,
    resort_of_one_probe,
    wheel_patch,
    qc_change,
    realignment,
    touch,
    tag_only,
    notice_only,
    deletion,
    old_row_becomes_public,
]


def test_after_each_step_exactly_what_it_touched_is_made_again(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for step in HISTORY:
        expected = step(world)
        ran = world.settle()
        sync_platform(world.platform, world.instance, "ibl")  # the daily look, which alone finds what moves no date
        ran += world.settle()
        actual: dict[Any, Any] = {session: assets for session, assets in ran if assets != (MANIFEST,)}
        rows.append((step.__name__.replace("_", " "), expected, actual))
        assert len(actual) == len([1 for _, assets in ran if assets != (MANIFEST,)]), "a session ran twice"
    with capsys.disabled():
        print("\n" + table(rows))
    assert [(name, actual) for name, _, actual in rows] == [(name, expected) for name, expected, _ in rows]


def table(rows: list[tuple[str, dict[Any, Any], dict[Any, Any]]]) -> str:
    """Return expected and actual runs as a table to read."""

    def words(runs: dict[Any, Any]) -> str:
        return "; ".join(f"{session[:8]}: {', '.join(assets)}" for session, assets in runs.items()) or "none"

    lines = [f"{'step':<24} {'expected':<84} actual"]
    lines += [f"{name:<24} {words(expected):<84} {words(actual)}" for name, expected, actual in rows]
    return "\n".join(lines)


def test_a_withdrawn_session_is_a_tombstone_and_its_assets_stay(world: World) -> None:
    """Runs after the history, in which session 1 was deleted."""
    from nh_platform.defs.session_states import withdrawn

    gone = _index_of(world, 1)
    assert gone not in eids(world)
    assert gone in withdrawn(world.platform, "ibl")
    assert world.platform.store.current("ibl", gone, "units") is not None


def test_nothing_is_left_failed(world: World) -> None:
    states = source_states(world.platform, "ibl")
    assert failed_sessions(world.instance, "ibl", states) == []
    assert [state.session_id for state in states.sessions if state.stale] == []
