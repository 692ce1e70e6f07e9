"""An asset records the versions of exactly what it read, whoever publishes its inputs meanwhile."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nh_platform.assets import inputs
from nh_platform.assets.inputs import TRIES
from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_session_asset
from nh_platform.session import NhError
from nh_platform.session.tables.events import TRIALS
from nh_platform.store import Provenance
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform.store.names import PROVENANCE
from nh_platform.windows import session_windows as build
from nh_platform_tests.homes import make_home

OTHER = "0" * 64
REVIEW = """\
source: ibl
session: {session}
reviews:
  - {{unit: {unit}, decision: fail, reason: noise, reviewer: ada, date: 2026-01-01}}
  - {{unit: {unit}, decision: fail, reason: noise, reviewer: bob, date: 2026-01-01}}
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with one session of which everything in front of `windows` is made."""
    folder = tmp_path_factory.mktemp("made") / "home"
    platform = make_home(folder, ("ibl",))
    store_manifest(platform.store, platform.source("ibl").manifest(), "1")
    for asset in ("raw_spikes", "events", "units"):
        make_session_asset(platform, "ibl", session_of(platform), asset)
    return folder


@pytest.fixture
def platform(made: Path, tmp_path: Path) -> Platform:
    shutil.copytree(made, tmp_path / "home")
    return Platform(load_settings(tmp_path / "home"))


def session_of(platform: Platform) -> str:
    (session,) = platform.manifest("ibl").session_ids
    return session


def publish_events(platform: Platform, version: str, start: float) -> None:
    """Publish another version of `events`, told from the one before by the start of its first trial."""
    folder = platform.store.folder("ibl", session_of(platform), "events")
    table = read_table(folder / "trials.parquet")
    table.loc[0, "start_time"] = start
    record = Provenance.read(folder).model_copy(update={"data_version": version})
    with platform.store.publish(record) as target:
        for path in folder.iterdir():
            if path.name not in ("trials.parquet", PROVENANCE):
                shutil.copy(path, target / path.name)
        write_table(target / "trials.parquet", table, TRIALS)


def before_reading(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> list[float]:
    """Do something when `windows` has begun to read; return the start of the first trial of those that it uses."""
    used: list[float] = []
    make = build.build_windows

    def then(read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(*folders: Path, **options: Any) -> Any:
            found = read(*folders, **options)
            meanwhile()
            return found

        return reading

    def building(spikes, units, events, *others) -> Any:
        used.append(events.tables["trials"].loc[0, "start_time"])
        return make(spikes, units, events, *others)

    for name in ("read_recording", "read_events"):
        monkeypatch.setattr(inputs, name, then(getattr(inputs, name)))
    monkeypatch.setattr(build, "build_windows", building)
    return used


def test_an_input_that_is_replaced_meanwhile_is_recorded_as_what_was_read(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    publications = iter([OTHER])

    def meanwhile() -> None:
        for version in publications:
            publish_events(platform, version, -1.5)

    used = before_reading(monkeypatch, meanwhile)
    made_now = make_session_asset(platform, "ibl", session_of(platform), "windows")
    record = platform.store.provenance("ibl", session_of(platform), "windows")
    assert record is not None
    assert record.inputs["events"] == OTHER
    assert used[-1] == -1.5
    assert made_now.record.data_version == record.data_version


def test_an_input_that_is_replaced_at_every_try_refuses_the_asset_by_name(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def meanwhile() -> None:
        tries.append(f"{len(tries):064d}")
        publish_events(platform, tries[-1], float(len(tries)))

    before_reading(monkeypatch, meanwhile)
    with pytest.raises(NhError, match=r"events.*replaced while.*was read"):
        make_session_asset(platform, "ibl", session_of(platform), "windows")
    assert len(tries) == TRIES
    assert platform.store.current("ibl", session_of(platform), "windows") is None


def test_a_version_that_goes_and_returns_meanwhile_counts_as_replaced(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its folder has the same name again, but files were missing while the asset read."""
    before = platform.store.provenance("ibl", session_of(platform), "events")
    assert before is not None
    starts = {OTHER: -1.0, before.data_version: -2.0}
    publications = iter(starts)

    def meanwhile() -> None:
        for version in publications:
            publish_events(platform, version, starts[version])

    used = before_reading(monkeypatch, meanwhile)
    make_session_asset(platform, "ibl", session_of(platform), "windows")
    assert used[-1] == starts[before.data_version]
    assert len(used) == 2


def test_a_review_that_is_written_meanwhile_is_recorded_as_what_was_read(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_of(platform)
    unit = read_table(platform.store.folder("ibl", session, "units") / "units.parquet").loc[0, "unit_id"]
    path = platform.settings.reviews / "ibl" / f"{session}.yaml"

    def meanwhile() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(REVIEW.format(session=session, unit=unit), encoding="utf-8")

    before_reading(monkeypatch, meanwhile)
    make_session_asset(platform, "ibl", session, "units")
    record = platform.store.provenance("ibl", session, "units")
    assert record is not None
    assert record.parameters["reviews"] == platform.reviews_version("ibl", session)


def test_an_input_that_was_never_made_is_named(platform: Platform) -> None:
    shutil.rmtree(platform.store.asset_folder("ibl", session_of(platform), "events"))
    with pytest.raises(NhError, match="it has no events in the store"):
        make_session_asset(platform, "ibl", session_of(platform), "windows")
