"""Simulated sessions that several tests of this folder read.

Add a fixture here when two modules need the same files. Tests that change files write their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.simulation import TINY, SimulatedSession, write_allen_vc, write_ibl

SEED = 7


@pytest.fixture(scope="package")
def ibl(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SimulatedSession]]:
    """Two tiny IBL sessions and their cache tables; read only."""
    root = tmp_path_factory.mktemp("simulated_ibl")
    return root, write_ibl(root, 2, SEED, size=TINY)


@pytest.fixture(scope="package")
def allen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SimulatedSession]:
    """One tiny Visual Coding session in AllenSDK's cache layout; read only."""
    root = tmp_path_factory.mktemp("simulated_allen")
    return root, write_allen_vc(root, 1, SEED, size=TINY)[0]
