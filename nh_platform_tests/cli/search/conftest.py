"""What tests of searches share: an ALF tree and the loopback servers that serve it.

Add a fixture here when a second search needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nh_platform.simulation import TINY, write_ibl
from nh_platform_tests.loopback import Loopback


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NH_HOME", "")


@pytest.fixture(scope="package")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("alf")
    write_ibl(root, 2, seed=5, size=TINY)
    return root


@pytest.fixture
def servers(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Loopback]:
    with Loopback(tree) as running:
        for name, value in {**running.environment, **running.bucket.environment}.items():
            monkeypatch.setenv(name, value)
        yield running
