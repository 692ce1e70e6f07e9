"""A home with one small session per source, and the way one of them is written as NWB.

Add here what several tests of the export share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from nh_platform.exports.layout import Request
from nh_platform.exports.nwb.layout import LAYOUT
from nh_platform.exports.origin import origin_of
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.reading import SessionView, open_store
from nh_platform.sources.registry import sources
from nh_platform_tests.homes import make_home, materialize

SOURCES = ("ibl", "allen_vc", "allen_vbn")
ASSETS = ("raw_spikes", "events", "signals", "units")
ASKED_FOR = {"ibl": ("pose", "mean_waveforms"), "allen_vc": ("mean_waveforms",), "allen_vbn": ()}

View = Callable[[str], SessionView]
Write = Callable[..., tuple[Path, tuple[str, ...]]]


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder, SOURCES)
    settings, lines = folder / "sources.yaml", []
    for line in settings.read_text(encoding="utf-8").splitlines():
        lines.append(line)
        if asked := ASKED_FOR.get(line.removesuffix(":")):
            lines.append(f"  also_assets: [{', '.join(asked)}]")
    settings.write_text("\n".join(lines) + "\n", encoding="utf-8")
    platform = Platform(load_settings(folder))
    with dg.DagsterInstance.ephemeral() as instance:
        for source in SOURCES:
            materialize(platform, instance, source, assets=(*ASSETS, *ASKED_FOR[source]))
    return platform


@pytest.fixture
def view(home: Platform) -> View:
    """Return the session of a source, nothing of it read yet."""
    store = open_store(home.settings.home)
    return lambda source: store.session(source, home.store.sessions(source)[0])


@dataclass(frozen=True)
class Exported:
    """A written file, what was said, and the session that it is of."""

    path: Path
    notes: tuple[str, ...]
    session: SessionView


Files = Callable[[str], Exported]


@pytest.fixture(scope="package")
def exported(home: Platform, tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the file of a source's session, written once."""
    folder, store, done = tmp_path_factory.mktemp("nwb"), open_store(home.settings.home), dict[str, Exported]()

    def exported(source: str) -> Exported:
        if source not in done:
            session = store.session(source, home.store.sessions(source)[0])
            path = folder / f"{source}.nwb"
            done[source] = Exported(path, write_session(session, path), session)
        return done[source]

    return exported


def write_session(session: SessionView, path: Path, **given: object) -> tuple[str, ...]:
    """Write a session and return what was left out; ``rows`` and options as they are given."""
    rows = given.pop("rows", np.arange(len(session.units)))
    origin = origin_of(session, sources()[session.source], "made up", (*LAYOUT.assets, *LAYOUT.also))
    return LAYOUT.write(session, path, Request(origin, rows, {**LAYOUT.options, **given}))  # type: ignore[arg-type]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a session into a file of the test, as `write_session`; return the file too."""

    def write(session: SessionView, name: str = "one.nwb", **given: object) -> tuple[Path, tuple[str, ...]]:
        return tmp_path / name, write_session(session, tmp_path / name, **given)

    return write
