"""Two embeddings of the same units or images held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OnProgress, Progress, open_home, unwatched
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ComparedEmbeddings:
    """How alike two embeddings are.

    Parameters
    ----------
    sessions
        A row per session that both have, or one of two files: ``of``, ``rows`` and ``features`` that both have,
        ``columns_a`` and ``columns_b``, ``cka`` (linear), ``neighbours`` (share of the nearest 10 that are the same)
        with ``by_chance``, and ``r``, the median correlation of a feature.
    features
        A row per feature that both have, over the rows of all sessions: `feature_correlations`.
    only_a, only_b
        Sessions that one side alone has.
    by_position
        Whether rows were matched by their number, as those of a side without names are.
    """

    sessions: pd.DataFrame
    features: pd.DataFrame
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    by_position: bool = False


def compare_embeddings(
    home: Home,
    a: str,
    b: str,
    *,
    source: str = "",
    sessions: Sequence[str] = (),
    on_progress: OnProgress = unwatched,
) -> ComparedEmbeddings:
    """Compare two embeddings of the same units or images.

    Parameters
    ----------
    home
        The home folder.
    a, b
        What is compared, each as of `nh_platform.operations.embedding.sides.side_of`: ``stored``, ``encoder:NAME``, a
        reference window, the folder of another home, or a file (``.parquet``, ``.csv``, ``.npy``). Rows are
        matched by ``unit_id`` or the name of the image; where a side has no names, as a matrix, by their number.
    source, sessions
        Only of this source and these sessions, of all that are stored where empty.
    on_progress
        Called for each session.

    Returns
    -------
    ComparedEmbeddings
        Linear CKA and shared neighbours are of all columns of each side, correlations of the features that both have.

    Raises
    ------
    ConfigError
        If a name stands for nothing, the two have no session, or no unit or image, in common, or a side without names
        has another number of rows than the other.
    UnknownSession
        If no session is stored.
    """
    import pandas as pd

    from nh_platform.embeddings.comparison import feature_correlations
    from nh_platform.operations.embedding.sides import side_of

    with open_home(home) as at:
        one, other = (
            side_of(at, name, source, sessions, lambda now, name=name: on_progress(Progress(name, 0, 1, now)))  # type: ignore[misc]
            for name in (a, b)
        )
        for name in (a, b):
            on_progress(Progress(name, 1, 1, "done"))
    if len(one) == len(other) == 1:  # two files, or a file and a session: whatever their names
        pairs = {next(iter(one)): (next(iter(one.values())), next(iter(other.values())))}
        only: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
    else:
        pairs = {key: (one[key], other[key]) for key in one if key in other}
        only = tuple(sorted(one.keys() - other.keys())), tuple(sorted(other.keys() - one.keys()))
    by_position = any(table.index.name is None for pair in pairs.values() for table in pair)
    joined = {key: _by_position(a, b, *pair) if by_position else _joined(*pair) for key, pair in pairs.items()}
    joined = {key: pair for key, pair in joined.items() if len(pair[0])}
    if not joined:
        found = f"they have no {'row' if pairs else 'session'} in common"
        raise ConfigError(f"embeddings {a} and {b}", found, "Compare two of the same sessions, units or images.")
    table = pd.DataFrame([{"of": key, **_compared(*pair)} for key, pair in joined.items()])
    both = (pd.concat([pair[k] for pair in joined.values()]) for k in (0, 1))
    return ComparedEmbeddings(table, feature_correlations(*both), *only, by_position)


def _by_position(a: str, b: str, one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables, row beside row, of which one at least does not name its rows."""
    if len(one) != len(other):
        nameless = " and ".join(name for name, side in ((a, one), (b, other)) if side.index.name is None)
        found = f"rows of {nameless} have no names, and there are {len(one)} and {len(other)}"
        action = "Name the rows in a table (.parquet, .csv) with a column unit_id or image_name, or give as many rows."
        raise ConfigError(f"embeddings {a} and {b}", found, action)
    return one.reset_index(drop=True), other.reset_index(drop=True)


def _joined(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return both tables of the rows that both have, in the order of the first."""
    kept = one.index[one.index.isin(other.index)]
    return one.loc[kept], other.loc[kept]


def _compared(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, object]:
    from nh_platform.embeddings.comparison import N_NEIGHBOURS, feature_correlations, linear_cka, neighbour_overlap

    n, shared = len(one), feature_correlations(one, other)
    k = min(N_NEIGHBOURS, (n - 1) // 2)
    return {
        "rows": n,
        "features": len(shared),
        "columns_a": len(one.columns),
        "columns_b": len(other.columns),
        "cka": linear_cka(one, other),
        "neighbours": neighbour_overlap(one, other),
        "by_chance": k / (n - 1) if k else float("nan"),
        "r": float(shared["r"].median()) if len(shared) else float("nan"),
    }
