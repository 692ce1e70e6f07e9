"""A DataLoader gives the batches of the seed in their order under every start method, and goes on in mid-epoch."""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import sys
from pathlib import Path

import numpy as np
import pytest

from nh_platform.load import Batches, WindowSet

GRID = "continuous-1s"


def test_without_torch_the_adapters_say_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "nh_platform.load.torch_adapters", raising=False)
    with pytest.raises(ImportError, match="needs torch: pip install torch"):
        importlib.import_module("nh_platform.load.torch_adapters")


@pytest.mark.train
@pytest.mark.parametrize(("method", "kind"), [("fork", "counts"), ("spawn", "events"), ("forkserver", "counts")])
def test_two_workers_give_the_same_batches_and_go_on_in_mid_epoch(both, method, kind) -> None:
    pytest.importorskip("torch", reason="torch is not installed; .ci/run installs it")
    from nh_platform.load.torch_adapters import BatchDataset, TrainLoader

    def batches(epoch=0) -> Batches:
        return Batches(WindowSet(both, GRID, kind=kind), 3, seed=7, unit_dropout=0.3, epoch=epoch)

    expected = list(batches())

    def check(found, wanted) -> None:
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted):
            held = {name: value for name, value in vars(other).items() if value is not None}
            assert one.keys() == held.keys()
            for name, value in held.items():
                assert one[name].numpy().dtype == value.dtype
                np.testing.assert_array_equal(one[name].numpy(), value)

    stopped = TrainLoader(batches())  # without workers
    check(list(itertools.islice(iter(stopped), 2)), expected[:2])
    assert stopped.state_dict()["next"] == 2
    loader = TrainLoader(batches(), num_workers=2, multiprocessing_context=method)
    loader.load_state_dict(stopped.state_dict())
    check(list(loader), expected[2:])
    assert loader.batches.epoch == 1
    workers = multiprocessing.active_children()
    assert len(workers) >= 2
    check(list(loader), list(batches(epoch=1)))
    assert set(workers) <= set(multiprocessing.active_children())  # they stay
    check(list(itertools.islice(iter(loader), 1)), list(batches(epoch=2))[:1])
    check(list(loader), list(batches(epoch=2))[1:])
    one = BatchDataset(batches())
    check([one[k] for k in range(len(one))], expected)


@pytest.mark.train
def test_workers_do_not_grow_over_three_epochs(both) -> None:
    pytest.importorskip("torch", reason="torch is not installed; .ci/run installs it")
    from nh_platform.load.torch_adapters import TrainLoader

    loader = TrainLoader(
        Batches(WindowSet(both, GRID, kind="events"), 1), num_workers=2, multiprocessing_context="fork"
    )
    sizes = []
    for _ in range(3):
        for _batch in loader:
            pass
        sizes.append([resident_kib(worker.pid) for worker in multiprocessing.active_children()])
    assert len(sizes[0]) == 2
    assert np.abs(np.subtract(sizes[2], sizes[0])).max() < 4096


def resident_kib(pid: int) -> int:
    """Return the memory of a process that is no mapped file, KiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
