"""Random numbers and ids that depend on a seed and on names only, never on the clock, threads or call order.

Contains the named generators and the ids. Add here what turns (seed, names) into something unique. No module of
`simulation` may draw from another generator.
"""

from __future__ import annotations

import hashlib
import uuid

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """Return a generator of its own for ``names``, so that a new draw in one place moves no value elsewhere.

    Parameters
    ----------
    seed
        Seed of the whole simulation.
    names
        What is drawn, for example ``"ibl", 0, "probe00"``.
    """
    digest = _digest(seed, names)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(int.from_bytes(digest, "big"))))


def uuid4(seed: int, *names: str | int) -> str:
    """Return an id of UUID version 4 shape for ``names``.

    ONE-api 3.6 refuses every version but 3 and 4 (`one.alf.spec.is_uuid`), so version 5 cannot be used although it is
    the one made for named ids.
    """
    return str(uuid.UUID(bytes=_digest(seed, names)[:16], version=4))


def integer(seed: int, low: int, high: int, *names: str | int) -> int:
    """Return an integer of ``[low, high)`` for ``names``, for Allen's numeric ids."""
    return low + int.from_bytes(_digest(seed, names)[:8], "big") % (high - low)


def _digest(seed: int, names: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join([str(seed), *(str(name) for name in names)])
    return hashlib.sha256(text.encode()).digest()
