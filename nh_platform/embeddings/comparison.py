"""How alike two embeddings of the same things are: linear CKA, shared neighbours, and each feature's correlation.

Contains the three numbers. Add another way to compare here. Where embeddings come from is no matter of this module, and
what they are of neither: rows are units or images, alike in both.

Columns are standardised first, since their units of measure differ; one that does not vary, or is nowhere defined, is
left out, and what is undefined of a row is the column's mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.embeddings.standardised import standardised

N_NEIGHBOURS = 10
"""Neighbours that `neighbour_overlap` looks at; of fewer than 20 rows half of the others."""


def linear_cka(one: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Return linear centred kernel alignment: 0 for nothing in common, 1 for the same up to rotation.

    ``||Y'X||² / (||X'X|| ||Y'Y||)`` with Frobenius norms, of standardised columns (Kornblith et al. 2019, ICML). With
    few rows and many columns it is large for unrelated embeddings too: look at `linear_cka` of shuffled rows beside it.

    Parameters
    ----------
    one, other
        (n_rows, …) embeddings of the same rows.

    Returns
    -------
    float
        NaN for fewer than two rows, or where no column of one varies.
    """
    x, y = standardised(one), standardised(other)
    if len(x) < 2 or not x.shape[1] or not y.shape[1]:
        return float("nan")
    between = np.linalg.norm(y.T @ x) ** 2
    return float(between / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def neighbour_overlap(one: npt.ArrayLike, other: npt.ArrayLike, n_neighbours: int = N_NEIGHBOURS) -> float:
    """Return the mean share of each row's nearest rows in one embedding that are among its nearest in the other.

    By chance it is ``k / (n_rows - 1)``. Distances are Euclidean, of standardised columns; k is at most half of the
    other rows.

    Returns
    -------
    float
        NaN for fewer than three rows, or where no column of one varies.
    """
    x, y = standardised(one), standardised(other)
    k = min(n_neighbours, (len(x) - 1) // 2)
    if k < 1 or not x.shape[1] or not y.shape[1]:
        return float("nan")
    from sklearn.neighbors import NearestNeighbors

    near = [NearestNeighbors(n_neighbors=k).fit(each).kneighbors(return_distance=False) for each in (x, y)]
    shared = [len(set(a) & set(b)) for a, b in zip(*(each.tolist() for each in near))]
    return float(np.mean(shared) / k)


def feature_correlations(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the correlation of every feature that both have, over the rows where both know it.

    Parameters
    ----------
    one, other
        Features of the same rows in the same order.

    Returns
    -------
    pandas.DataFrame
        ``feature``, ``r`` (Pearson's; NaN where either does not vary), ``rows`` that both know, and the means and the
        largest difference there: 0 where both are the same.
    """
    rows = []
    for name in [column for column in one.columns if column in other.columns]:
        a, b = (table[name].to_numpy(dtype=np.float64) for table in (one, other))
        known = np.isfinite(a) & np.isfinite(b)
        a, b = a[known], b[known]
        varies = len(a) > 1 and a.std() > 0 and b.std() > 0
        rows.append(
            {
                "feature": name,
                "r": float(np.corrcoef(a, b)[0, 1]) if varies else np.nan,
                "rows": int(known.sum()),
                "mean_a": float(a.mean()) if len(a) else np.nan,
                "mean_b": float(b.mean()) if len(b) else np.nan,
                "largest_difference": float(np.abs(a - b).max()) if len(a) else np.nan,
            }
        )
    columns = ["feature", "r", "rows", "mean_a", "mean_b", "largest_difference"]
    return pd.DataFrame(rows, columns=columns)
