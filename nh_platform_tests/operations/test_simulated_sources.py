"""Simulated sessions are written by what the entry of a source names, a lab's as the platform's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.operations.simulated.simulated_sources import simulated_sources, write_simulated
from nh_platform.operations.simulated.simulated_upstream import write_upstream
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY, SimulatedSession, SimulationSize
from nh_platform_tests.lab_packages import install, lab_entry, on_the_path


def write(folder: Path, n_sessions: int, seed: int, size: SimulationSize) -> list[SimulatedSession]:
    folder.mkdir(parents=True)
    (folder / "asked.txt").write_text(f"{n_sessions} sessions, seed {seed}, size {size.name}")
    return []


LAB = lab_entry("lab", simulation=f"{__name__}:write")
UNWRITTEN = lab_entry("unwritten", simulation="no_such_module:write")


def test_the_platforms_own_sources_can_be_simulated(tmp_path: Path) -> None:
    assert simulated_sources() == ("ibl", "allen_vc", "allen_vbn")
    (session,) = write_simulated("ibl", tmp_path, 1, 7, TINY)
    assert session.source == "ibl"
    assert len(session.truth) == TINY.ibl_probes * TINY.ibl_units


def test_a_labs_simulation_is_called_for_the_demo_too(tmp_path: Path) -> None:
    with on_the_path(install(tmp_path / "site", {"lab": f"{__name__}:LAB"})):
        assert simulated_sources()[-1] == "lab"
        write_upstream(tmp_path / "demo", 5, ("lab",))
    asked = (tmp_path / "demo" / "upstream" / "lab" / "asked.txt").read_text()
    assert asked == "2 sessions, seed 5, size demo"
    assert "lab:\n  read:\n    mode: local\n" in (tmp_path / "demo" / "sources.yaml").read_text()


def test_a_simulation_that_cannot_be_loaded_names_its_package(tmp_path: Path) -> None:
    stated = "source unwritten of package toy-lab: its simulation no_such_module:write fails: ModuleNotFoundError"
    with (
        on_the_path(install(tmp_path, {"unwritten": f"{__name__}:UNWRITTEN"})),
        pytest.raises(ConfigError, match=stated),
    ):
        write_simulated("unwritten", tmp_path, 1, 7, TINY)
