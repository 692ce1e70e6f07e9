"""A DataLoader gives the batches of the seed in their order under every start method, and goes on in mid-epoch."""

from __future__ import annotations

import importlib
import itertools
import sys

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet

GRID = "continuous-1s"


def test_without_torch_the_adapters_say_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "nh_platform.load.torch_adapters", raising=False)
    with pytest.raises(ImportError, match="nh-platform\\[train\\]"):
        importlib.import_module("nh_platform.load.torch_adapters")


@pytest.mark.train
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_two_workers_give_the_same_batches_and_go_on_in_mid_epoch(both, method) -> None:
    pytest.importorskip("torch", reason="torch is not installed; .ci/run installs it")
    from nh_platform.load.torch_adapters import BatchDataset, TrainLoader

    def made() -> TrainLoader:
        batches = Batches(WindowSet(both, GRID), 3, seed=7, unit_dropout=0.3)
        return TrainLoader(batches, num_workers=2, multiprocessing_context=method)

    expected = list(Batches(WindowSet(both, GRID), 3, seed=7, unit_dropout=0.3))

    def check(found, wanted) -> None:
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            np.testing.assert_array_equal(one["windows"].numpy(), other.windows)
            np.testing.assert_array_equal(one["units"].numpy(), other.units)
            np.testing.assert_array_equal(one["counts"].numpy(), other.counts)
            assert "times" not in one

    loader = made()
    check(list(loader), expected)
    assert loader.batches.epoch == 1
    stopped, resumed = made(), made()
    list(itertools.islice(iter(stopped), 2))
    assert stopped.state_dict()["next"] == 2
    resumed.load_state_dict(stopped.state_dict())
    check(list(resumed), expected[2:])
    one = BatchDataset(made().batches)
    check([one[k] for k in range(len(one))], expected)
