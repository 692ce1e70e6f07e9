"""Tasks about units: the units of several sessions in one table, and who is tested by whose.

Contains what `ts3-unit_cosmos` needs beyond a session. Tasks about windows are run within each session.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError
from nh_platform.tasks.task import TaskData

ALL = "all"
"""Stands for the session where something is of all of them."""

N_FOLDS = 5
"""Into how many parts animals are divided where no session is one of the benchmark's."""

VAL_SHARE = 0.2
"""Share of the training animals (of the units where there is one animal) that chooses hyperparameters."""


OF_TESTED_ANIMAL = "units of other sessions of an animal that is tested"
"""Why a unit neither trains nor is tested: the model would know the animal."""


@dataclass(frozen=True)
class Pooled:
    """Units of several sessions.

    Parameters
    ----------
    data
        All units as one set of rows; ``target_ids`` are ``<session>/<unit id>``, probes are named likewise.
    animals
        (n,) object, the animal of each row.
    """

    data: TaskData
    animals: npt.NDArray[np.object_]


def pool(parts: Sequence[TaskData], animals: Sequence[str]) -> Pooled:
    """Return the units of sessions as one set of rows.

    Parameters
    ----------
    parts
        Data of the sessions.
    animals
        The animal of each session.
    """
    lengths = [len(part) for part in parts]
    every = [np.arange(length) for length in lengths]
    inputs = np.concatenate([part.inputs(rows) for part, rows in zip(parts, every)])
    outputs = np.concatenate([part.outputs(rows) for part, rows in zip(parts, every)])
    ids = np.array([f"{part.session_id}/{one}" for part in parts for one in part.target_ids], dtype=object)
    left_out: dict[str, int] = {}
    for part in parts:
        for why, number in part.left_out.items():
            left_out[why] = left_out.get(why, 0) + number
    data = replace(
        parts[0],
        session_id=ALL,
        row_ids=np.arange(sum(lengths)),
        starts=np.full(sum(lengths), np.nan),
        inputs=lambda rows: inputs[rows],
        outputs=lambda rows: outputs[rows],
        mask=np.concatenate([part.mask for part in parts]),
        split=np.concatenate([part.split for part in parts]),
        target_ids=ids,
        target_depths=np.concatenate([part.target_depths for part in parts]),
        target_probes=np.array(
            [f"{part.session_id}/{one}" for part in parts for one in part.target_probes], dtype=object
        ),
        left_out=left_out,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )
    return Pooled(data, np.repeat(np.array(animals, dtype=object), lengths))


def folds(pooled: Pooled, seed: int) -> list[TaskData]:
    """Return the same rows as often as needed for each to be tested once, with rows of ``train``, ``val`` and ``test``.

    Where some sessions are the benchmark's (``test``) and others are not, there is one fold: other sessions of its
    animals are in no split and count as left out. Else the animals are divided into five parts, in the order of their
    names, and each part is tested by the others. No animal that is tested trains. ``val`` is a fifth of the training
    animals, or of the training units where these are of fewer than three animals, drawn by the seed.

    Raises
    ------
    ConfigError
        If all units are of one animal, or none of another animal than those that are tested.
    """
    data, animals = pooled.data, pooled.animals
    tested = [data.split == "test"] if {"train", "test"} <= set(data.split) else _animal_folds(animals, data.task)
    made = []
    for is_test in tested:
        rng = np.random.default_rng(seed)
        trains = ~np.isin(animals.astype(str), animals[is_test].astype(str))
        training = sorted(set(animals[trains]))
        if not training:
            found = f"no unit of another animal trains: all are of {', '.join(sorted(set(animals)))}, which is tested"
            raise ConfigError(data.task, found, "Choose sessions of other animals as well.")
        if len(training) >= 3:
            kept = rng.permutation(training)[: max(round(VAL_SHARE * len(training)), 1)]
            is_val = trains & np.isin(animals.astype(str), kept)
        else:
            is_val = trains & (rng.random(len(data)) < VAL_SHARE)
        split = np.full(len(data), "", dtype=object)
        split[trains], split[is_val], split[is_test] = "train", "val", "test"
        assert not set(animals[is_test]) & set(animals[(split == "train") | (split == "val")])
        n_neither = int((split == "").sum())
        left_out = {**data.left_out, **({OF_TESTED_ANIMAL: n_neither} if n_neither else {})}
        made.append(replace(data, split=split, left_out=left_out))
    return made


def _animal_folds(animals: npt.NDArray[np.object_], task: str) -> list[npt.NDArray[np.bool_]]:
    names = sorted(set(animals))
    if len(names) < 2:
        about = f"all units are of animal {names[0] if names else 'none'}"
        raise ConfigError(
            task, about, "Choose sessions of two animals or more: units are predicted from other animals'."
        )
    of = {name: number % min(N_FOLDS, len(names)) for number, name in enumerate(names)}
    fold = np.array([of[name] for name in animals])
    return [fold == number for number in range(fold.max() + 1)]
