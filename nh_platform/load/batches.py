"""Windows in batches: which ones a seed puts together, padded to one shape, shared among ranks, and resumed.

Contains `Batches`. A batch is a function of the settings, the epoch and its number alone, so that any
number of workers give the same batches in the same order, and a training goes on where it stopped. Add here what
changes the make-up of a batch; what one holds is `nh_platform.load.batch`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from nh_platform.load.batch import Batch, cropped, padded
from nh_platform.load.sample import Sample
from nh_platform.load.session_part import IntArray
from nh_platform.load.window_set import WindowSet
from nh_platform.session import ConfigError
from nh_platform.session.display import counted


class Batches:
    """Batches of a set of windows: iterate for what is left of an epoch, or take any by its number with `batch`.

    Parameters
    ----------
    windows
        The set.
    batch_size
        Windows of a batch; the last one may have fewer.
    seed, epoch
        Decide the order, and which units are left out; every epoch has its own.
    shuffle
        Random order; else that of the set.
    rank, world_size
        Batches are dealt to the ranks in turn: none is of two, and all are dealt.
    drop_last
        Leave out an incomplete batch, and those that not every rank would have: all ranks take equally many steps.
    bucket_by_units
        Put windows of about as many units together, so that little is padded.
    unit_dropout
        Probability with which a unit is left out of a window; one unit at least stays.
    max_units
        Most units of a window, chosen at random; all where not stated.
    crop_s
        Seconds of a window that are taken, from a bin on that is drawn at random; all where not stated.

    Raises
    ------
    ConfigError
        If a value cannot be, or no batch is left.
    """

    def __init__(
        self,
        windows: WindowSet,
        batch_size: int,
        *,
        seed: int = 0,
        epoch: int = 0,
        shuffle: bool = True,
        rank: int = 0,
        world_size: int = 1,
        drop_last: bool = False,
        bucket_by_units: bool = False,
        unit_dropout: float = 0.0,
        max_units: int | None = None,
        crop_s: float | None = None,
    ) -> None:
        for name, value, lowest in (
            ("batch_size", batch_size, 1),
            ("seed", seed, 0),
            ("epoch", epoch, 0),
            ("world_size", world_size, 1),
            ("max_units", 1 if max_units is None else max_units, 1),
        ):
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < lowest:
                raise ConfigError(f"{name} = {value!r}", f"it must be a whole number from {lowest} on", "Change it.")
        if not 0 <= rank < world_size:
            raise ConfigError(f"rank = {rank}", f"there are {world_size} ranks", "Use 0 to that less 1.")
        if not 0 <= unit_dropout < 1:
            raise ConfigError(f"unit_dropout = {unit_dropout}", "it is no probability below 1", "Use 0 to less than 1.")
        if crop_s is not None and not crop_s > 0:
            raise ConfigError(f"crop_s = {crop_s}", "it is no time", "State seconds above 0.")
        self.windows = windows
        self.batch_size, self.seed, self.shuffle = int(batch_size), int(seed), shuffle
        self.rank, self.world_size, self.drop_last = rank, world_size, drop_last
        self.bucket_by_units, self.unit_dropout, self.max_units = bucket_by_units, unit_dropout, max_units
        self.crop_s = crop_s
        self._next = 0
        self.set_epoch(epoch)
        if not len(self):
            raise ConfigError(
                f"batches of {counted(len(windows), 'window')}",
                f"none is left for rank {rank} of {world_size} with {batch_size} windows each",
                "Use smaller batches or fewer ranks.",
            )

    def __len__(self) -> int:
        """Return the number of batches of an epoch for this rank, those included that were already given."""
        return len(self._plan)

    @property
    def position(self) -> int:
        """Number of the next batch of the epoch."""
        return self._next

    def set_epoch(self, epoch: int) -> None:
        """Go to the begin of an epoch, and compare files again that were written since they were verified."""
        self.windows.require_unchanged()
        self.epoch = epoch
        self._plan = self._planned()
        self._next = 0

    def __iter__(self) -> Iterator[Batch]:
        """Yield what is left of the epoch; behind its last batch the next epoch begins."""
        while self._next < len(self):
            made = self.batch(self._next)
            self.advance()
            yield made
        self.set_epoch(self.epoch + 1)

    def advance(self) -> None:
        """Count one more batch as given; for those who take batches by number, as worker processes do."""
        self._next += 1

    def batch(self, number: int) -> Batch:
        """Return one batch of the epoch by its number.

        Raises
        ------
        IndexError
            If there is no such batch.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"batch {number} of {len(self)}")
        members = self._plan[number]
        samples = [self._sample(int(i)) for i in members]
        return padded(members, samples, [self._kept(int(i), len(one.unit_ids)) for i, one in zip(members, samples)])

    def _sample(self, window: int) -> Sample:
        """Return a window, or the stretch of it that this epoch takes."""
        found = self.windows[window]
        if self.crop_s is None:
            return found
        return cropped(found, self.crop_s, np.random.default_rng([self.seed, self.epoch, window, 1]))

    def state_dict(self) -> dict[str, Any]:
        """Return where the epoch stands, as numbers and texts."""
        return {"epoch": self.epoch, "next": self._next, "settings": self._settings()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken.

        Raises
        ------
        ConfigError
            If it was taken with other settings or windows; the text names what differs.
        """
        if not isinstance(state, Mapping) or not isinstance(state.get("settings"), Mapping):
            raise ConfigError("state of batches", "it is none", "Take a state that `state_dict` gave.")
        own, stated = self._settings(), dict(state["settings"])
        differs = [f"{name} {stated.get(name)!r}, now {own[name]!r}" for name in own if own[name] != stated.get(name)]
        if differs:
            text = f"it was taken with {'; '.join(differs)}"
            raise ConfigError("state of batches", text, "Make the batches as they were, or begin the epoch anew.")
        before = self.epoch
        self.set_epoch(_whole(state, "epoch"))
        position = _whole(state, "next")
        if position > len(self):
            self.set_epoch(before)
            found = f"its next batch is {position}, and an epoch has {counted(len(self), 'batch', 'batches')}"
            raise ConfigError("state of batches", found, "Take a state that `state_dict` gave.")
        self._next = position

    def _settings(self) -> dict[str, Any]:
        names = "batch_size seed shuffle rank world_size drop_last bucket_by_units unit_dropout max_units crop_s"
        hasher = hashlib.sha256(f"{self.windows.preset} {self.windows.kind}".encode())
        for part in self.windows.parts:
            hasher.update(f"{part.source}/{part.session_id} {part.path.parent.name}".encode())
            hasher.update(part.window_ids.tobytes() + part.unit_numbers.tobytes())
        if self.windows.images is not None:
            hasher.update(self.windows.images.key.encode())
        return {name: getattr(self, name) for name in names.split()} | {"windows": hasher.hexdigest()[:16]}

    def _planned(self) -> list[IntArray]:
        random = np.random.default_rng([self.seed, self.epoch])
        n, size = len(self.windows), self.batch_size
        order = random.permutation(n) if self.shuffle else np.arange(n)
        if self.bucket_by_units:
            order = order[np.argsort(self.windows.n_units[order], kind="stable")]
        cut = [order[first : first + size].astype(np.int64) for first in range(0, n, size)]
        if self.drop_last and len(cut[-1]) < size:
            cut.pop()
        if self.bucket_by_units and self.shuffle:
            cut = [cut[k] for k in random.permutation(len(cut))]
        if self.drop_last:
            cut = cut[: len(cut) // self.world_size * self.world_size]
        return cut[self.rank :: self.world_size]

    def _kept(self, window: int, n_units: int) -> IntArray:
        """Return the places of the units that stay in a window of this epoch, ascending."""
        kept = np.arange(n_units, dtype=np.int64)
        if not self.unit_dropout and (self.max_units is None or n_units <= self.max_units):
            return kept
        random = np.random.default_rng([self.seed, self.epoch, window])
        stays = random.random(n_units) >= self.unit_dropout
        kept = kept[stays] if stays.any() else kept[[int(random.integers(n_units))]]
        if self.max_units is not None and len(kept) > self.max_units:
            kept = np.sort(random.choice(kept, self.max_units, replace=False))
        return kept


def _whole(state: Mapping[str, Any], name: str) -> int:
    """Return a whole number, 0 or more, of a state."""
    value = state.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        found = f"its {name} is {value!r}, and a whole number is expected"
        raise ConfigError("state of batches", found, "Take a state that `state_dict` gave.")
    return value
