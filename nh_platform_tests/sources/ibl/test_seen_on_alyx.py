"""What was seen on a real Alyx 3.6.1 and in released catalogues, played by the stand-in for the unmodified client."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from nh_platform.sources.ibl import IblSettings, IblSource
from nh_platform_tests.loopback import Loopback
from nh_platform_tests.sources.ibl.conftest import Tree


@pytest.fixture
def servers(tree: Tree) -> Iterator[Loopback]:
    with Loopback(tree.root) as running:
        yield running


def remote(servers, **settings) -> IblSource:
    return IblSource(IblSettings.model_validate({**servers.settings, **settings}))


# the choice of a sorting ----------------------------------------------------------------------------------------------


def test_a_folder_that_a_sorter_left_behind_does_not_stand_for_a_sorting(servers, tree: Tree) -> None:
    before = remote(servers).manifest().session(tree.eid).version("spikes")
    tree.write("alf/probe00/iblsorter/clusters.channels.npy", np.arange(3))
    tree.write("alf/probe00/iblsorter/clusters.metrics.pqt", b"not read")
    servers.state.sync_tree()
    source = remote(servers)
    session = source.manifest().session(tree.eid)
    assert session.version("spikes") == before
    assert source.read_spikes(session).probes["collection"].tolist() == [
        "alf/probe00/pykilosort",
        "alf/probe01/pykilosort",
    ]


def test_a_pin_reads_the_sorting_of_its_day(servers, tree: Tree) -> None:
    for name in ("spikes.times", "spikes.clusters", "clusters.channels"):
        content = tree.load(f"alf/probe00/pykilosort/#2024-05-06#/{name}.npy")
        tree.write(f"alf/probe00/iblsorter/#2026-01-01#/{name}.npy", content)
    servers.state.sync_tree()
    sorters = {}
    for revision in ("2024-06-01", "2026-01-01"):
        source = remote(servers, revision=revision)
        sorters[revision] = source.read_spikes(source.manifest().session(tree.eid)).probes["sorter"].tolist()
    assert sorters == {"2024-06-01": ["pykilosort", "pykilosort"], "2026-01-01": ["iblsorter", "pykilosort"]}
