"""Every export is deterministic: the same data give the same bytes twice, the card included.

A layout joins by its line in `nh_platform.exports.layouts`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.exports import layouts
from nh_platform.exports.layouts import find_layout
from nh_platform.home.platform import Platform
from nh_platform_tests.homes import WRITERS

SOURCES = tuple(WRITERS)

NAMES = tuple(layouts._PLACES)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differing(one: dict[str, bytes], two: dict[str, bytes]) -> list[str]:
    return sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("source", SOURCES)
def test_a_layout_gives_the_same_bytes_twice(three_sources: Platform, tmp_path: Path, name: str, source: str) -> None:
    stored = set(three_sources.store.assets(source, three_sources.store.sessions(source)[0]))
    if missing := set(find_layout(name).assets) - stored:
        pytest.skip(f"the home of these tests has no {', '.join(sorted(missing))} of {source}")
    for folder in ("first", "second"):
        done = operations.export_sessions(three_sources.settings.home, name, source, tmp_path / folder)
        if done.failed:
            pytest.skip(f"the layout holds no session of {source}: {next(iter(done.failed.values()))}")
    first, second = contents(tmp_path / "first"), contents(tmp_path / "second")
    assert len(first) > 3
    assert differing(first, second) == []


def test_a_pack_of_spikes_gives_the_same_bytes_twice(three_sources: Platform, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        operations.export_spike_pack(three_sources.settings.home, SOURCES, tmp_path / folder, units="all")
    assert differing(contents(tmp_path / "first"), contents(tmp_path / "second")) == []


@pytest.mark.parametrize("name", NAMES)
def test_no_layout_is_skipped_for_every_source(three_sources: Platform, tmp_path: Path, name: str) -> None:
    written = 0
    for source in SOURCES:
        stored = set(three_sources.store.assets(source, three_sources.store.sessions(source)[0]))
        if set(find_layout(name).assets) <= stored:
            done = operations.export_sessions(
                three_sources.settings.home, name, source, tmp_path / source, dry_run=True
            )
            written += len(done.written)
    assert written, f"{name} is not tried: the fixture `three_sources` lacks {find_layout(name).assets}"
