"""Scaling subsets: some of the training sessions, each size within every larger one.

Add here another order in which sessions are taken. Which sessions train is said by `by_subject`.
"""

from __future__ import annotations

from collections.abc import Sequence

from nh_platform.session import ConfigError
from nh_platform.windows.splits.by_subject import SEED, session_fraction

SIZES = (10, 50, 100, 200)
"""Sizes of the seed guide, beside all of them."""


def nested_subset(session_ids: Sequence[str], size: int, seed: int = SEED) -> list[str]:
    """Return ``size`` of the sessions, in the order in which they are taken.

    The order depends on the seed and each id alone: the 10 are the first of the 50. Sessions that are added to a source
    later may come in between; a set that must not change names its sessions.

    Raises
    ------
    ConfigError
        If there are fewer sessions, or ``size`` is not positive.

    Examples
    --------
    >>> nested_subset(["a", "b", "c"], 2) == nested_subset(["c", "b", "a"], 3)[:2]
    True
    """
    known = list(dict.fromkeys(session_ids))
    if size < 1:
        raise ConfigError(f"subset of {size} sessions", "it is none", "State a positive number.")
    if size > len(known):
        sizes = [str(one) for one in SIZES if one <= len(known)]
        action = f"Take {' or '.join([*sizes, f'all {len(known)}'])}."
        raise ConfigError(f"subset of {size} sessions", f"there are {len(known)} training sessions", action)
    return sorted(known, key=lambda one: (session_fraction(seed, "subset", one), one))[:size]
