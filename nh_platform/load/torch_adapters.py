"""Windows and batches as PyTorch takes them, with the extra ``train`` (``pip install nh-platform[train]``).

The one module that imports torch; nothing imports it but whoever trains. Add here what a `DataLoader` needs. What a
batch is belongs to `nh_platform.load.batches`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nh_platform.load.batches import Batch, Batches

try:
    import torch
    from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info
except ImportError as error:
    raise ImportError(
        "nh_platform.load.torch_adapters needs torch: pip install 'nh-platform[train]', or torch itself"
    ) from error


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


class TrainLoader:
    """What is left of an epoch through worker processes; the next loop gives the next epoch.

    Parameters
    ----------
    batches
        The batches; their `state_dict` says how many of them the training loop was given, whatever workers prefetched.
    **options
        Those of `torch.utils.data.DataLoader`: ``num_workers``, ``multiprocessing_context``, ``pin_memory``, ….
    """

    def __init__(self, batches: Batches, **options: Any) -> None:
        self.batches = batches
        self._options = options

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in DataLoader(BatchStream(self.batches), batch_size=None, **self._options):
            self.batches.advance()
            yield batch
        self.batches.set_epoch(self.batches.epoch + 1)

    def state_dict(self) -> dict[str, Any]:
        """Return where the epoch stands; as of `Batches`."""
        return self.batches.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken; raises as `Batches.load_state_dict`."""
        self.batches.load_state_dict(state)
