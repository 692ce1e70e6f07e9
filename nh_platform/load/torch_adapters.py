"""Windows and batches as PyTorch takes them, with the extra ``train`` (``pip install torch``).

The one module that imports torch; nothing imports it but whoever trains. Add here what a `DataLoader` needs. What a
batch is belongs to `nh_platform.load.batch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nh_platform.load.batch import Batch
from nh_platform.load.batch_transport import Bytes, Piece, pack, unpack
from nh_platform.load.batches import Batches

try:
    import torch
    from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler, get_worker_info
except ImportError as error:
    raise ImportError("nh_platform.load.torch_adapters needs torch: pip install torch") from error


def collate(batch: Batch) -> dict[str, Any]:
    """Return a batch as tensors by the names of `Batch`, without what it does not have; no array is copied."""
    return {name: torch.from_numpy(value) for name, value in vars(batch).items() if value is not None}


class BatchDataset(Dataset):  # type: ignore[misc]
    """Map-style: item ``k`` is batch ``k`` of the epoch, as tensors. Use ``DataLoader(…, batch_size=None)``.

    Parameters
    ----------
    batches
        The batches.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return collate(self.batches.batch(number))


class BatchStream(IterableDataset):  # type: ignore[misc]
    """Iterable: what is left of the epoch, as tensors. Use ``DataLoader(…, batch_size=None)``.

    Workers take the batches in turn, so that a `DataLoader` gives them in their order. The process that trains counts
    them: `TrainLoader` does.

    Parameters
    ----------
    batches
        The batches.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        first, step = (0, 1) if worker is None else (worker.id, worker.num_workers)
        for number in range(self.batches.position + first, len(self.batches), step):
            yield collate(self.batches.batch(number))


Packed = tuple[torch.Tensor, list[Piece]]


class _BatchOfEpoch(Dataset):  # type: ignore[misc]
    """Map-style: item ``(epoch, k)`` is batch ``k`` of that epoch, so that workers go from one epoch to the next.

    From a worker it comes in one piece of shared memory.
    """

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any] | Packed:
        epoch, number = key
        if self.batches.epoch != epoch:
            self.batches.set_epoch(epoch)
        batch = self.batches.batch(number)
        if get_worker_info() is None:
            return collate(batch)
        shared = torch.empty(0, dtype=torch.uint8)

        def new_buffer(n_bytes: int) -> Bytes:
            # As torch's own collate does in a worker: `share_memory_()` would copy what is not written yet.
            shared.set_(torch.UntypedStorage._new_shared(n_bytes))
            return shared.numpy()

        pieces = pack(batch, new_buffer)
        return shared, pieces


def _unpacked(shared: torch.Tensor, pieces: list[Piece]) -> dict[str, Any]:
    return {name: torch.from_numpy(value) for name, value in unpack(shared.numpy(), pieces).items()}


class _Remaining(Sampler):  # type: ignore[misc]
    """Epoch and number of every batch that is left of the epoch, as they are when a loop begins."""

    def __init__(self, batches: Batches) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[tuple[int, int]]:
        epoch, first, stop = self.batches.epoch, self.batches.position, len(self.batches)
        return iter([(epoch, number) for number in range(first, stop)])


class TrainLoader:
    """What is left of an epoch through worker processes; the next loop gives the next epoch.

    Workers stay from one epoch to the next, unless ``persistent_workers=False``: under spawn and forkserver one takes
    seconds to start, and each new one verifies the files that it reads.

    Parameters
    ----------
    batches
        The batches; their `state_dict` says how many of them the training loop was given, whatever workers prefetched.
    **options
        Those of `torch.utils.data.DataLoader`: ``num_workers``, ``multiprocessing_context``, ``pin_memory``, ….
    """

    def __init__(self, batches: Batches, **options: Any) -> None:
        self.batches = batches
        kept = {"persistent_workers": options.get("num_workers", 0) > 0} | options
        # What is pinned are the arrays, not the bytes that they are unpacked from.
        self._pin = bool(kept.pop("pin_memory", False)) and torch.accelerator.is_available()
        self._loader = DataLoader(_BatchOfEpoch(batches), batch_size=None, sampler=_Remaining(batches), **kept)

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for found in self._loader:
            self.batches.advance()
            batch = found if isinstance(found, dict) else _unpacked(*found)
            yield {name: value.pin_memory() for name, value in batch.items()} if self._pin else batch
        self.batches.set_epoch(self.batches.epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return where the epoch stands; as of `Batches`."""
        return self.batches.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; raises as `Batches.load_state_dict`."""
        self.batches.load_state_dict(state)
