"""The revision of each dataset that is read: the default one, or the last one on or before a pinned date.

The policy is resolved here once, to exact rows of the manifest; readers load these rows and never pass a revision to
ONE, whose per-file "last before" mixes revisions with only a warning. Add a policy here. No file is opened here.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.session import BadUpstreamData
from nh_platform.sources.ibl.settings import FOLLOW_DEFAULT

DATASET_KEY = ["session_id", "collection", "name"]


def resolve_revisions(files: pd.DataFrame, policy: str) -> pd.Series:
    """Return which rows are read under a policy.

    Parameters
    ----------
    files
        Columns ``session_id``, ``collection``, ``revision`` (empty where unrevised), ``name`` and, where upstream
        states it, ``default_revision``.
    policy
        ``follow_default``, or a date: per dataset the lexicographically last revision that is not after it. An
        unrevised file sorts before every revision and always qualifies (ONE-api 3.6.1 ``index_last_before``).

    Returns
    -------
    pandas.Series
        (n,) bool on the index of ``files``. Under ``follow_default`` it is upstream's own flag; tables without the
        flag (made by ``make_parquet_db``) count the last revision.
    """
    if policy == FOLLOW_DEFAULT and "default_revision" in files:
        return files["default_revision"].astype(bool)
    eligible = files if policy == FOLLOW_DEFAULT else files[files["revision"] <= policy]
    last = eligible.groupby(DATASET_KEY)["revision"].transform("max")
    resolved = pd.Series(False, index=files.index)
    resolved[eligible.index] = eligible["revision"] == last
    return resolved


def one_revision(files: pd.DataFrame, objects: tuple[str, ...], where: str) -> str:
    """Return the revision that all files of some ALF objects share.

    Parameters
    ----------
    files
        Rows of one collection that are going to be read.
    objects
        ALF objects that belong together, for example ``("spikes", "clusters")``.
    where
        Session and collection, for the error text.

    Raises
    ------
    BadUpstreamData
        If two revisions meet: cluster numbers of one sorting mean nothing in another.
    """
    rows = files[files["name"].str.split(".").str[0].isin(objects)]
    found = sorted(rows["revision"].unique())
    if len(found) > 1:
        parts = "; ".join(
            f"{revision or 'unrevised'}: {', '.join(sorted(rows['name'][rows['revision'] == revision]))}"
            for revision in found
        )
        raise BadUpstreamData(
            where,
            f"{' and '.join(objects)} come from {len(found)} revisions ({parts})",
            "Pin a revision that holds the whole sorting, or wait until upstream has completed it.",
        )
    return found[0] if found else ""
