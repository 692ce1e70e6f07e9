"""Ids of probe insertions that upstream did not state: how they are made, known, and given up for real ones.

IBL's public tables list no insertions, only folders of probes; an account, or a freeze, knows the ids of the same
insertions. Add here what follows from that. Comparing manifests is `release_diff`.
"""

from __future__ import annotations

import pandas as pd


def made_up_ids(insertions: pd.DataFrame) -> pd.Series:
    """Return the id of each insertion where upstream states none: ``<session>_<probe>``; empty where no probe is."""
    made = insertions["session_id"].astype(object) + "_" + insertions["probe"]
    return made.where(insertions["probe"] != "", "").astype(object)


def is_made_up(insertions: pd.DataFrame) -> pd.Series:
    """Return, per row of ``session_id``, ``probe`` and ``insertion_id``, whether the id was made here."""
    return (insertions["insertion_id"] == made_up_ids(insertions)) & (insertions["probe"] != "")


def with_known_ids(insertions: pd.DataFrame, *others: pd.DataFrame) -> pd.DataFrame:
    """Return insertions whose made-up ids are replaced by those that other tables know.

    Parameters
    ----------
    insertions, others
        Columns ``session_id``, ``probe``, ``insertion_id``, and any more.

    Returns
    -------
    pandas.DataFrame
        The rows of ``insertions`` in their order. An id that was made up is that of the first of ``others`` that knows
        one for the same session and probe; of several in one table the last.
    """
    real: dict[str, str] = {}
    for table in reversed(others) if is_made_up(insertions).any() else ():
        known = table[(table["probe"] != "") & (table["insertion_id"] != "") & ~is_made_up(table)]
        real |= dict(zip(made_up_ids(known), known["insertion_id"]))
    if not real:
        return insertions
    return insertions.assign(insertion_id=insertions["insertion_id"].map(real).fillna(insertions["insertion_id"]))


def with_shared_ids(
    before: pd.DataFrame, after: pd.DataFrame, earlier: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the insertions of three states, in which one insertion has the same id wherever any state knows its own.

    Parameters
    ----------
    before, after
        Two states that are compared; a login or a logout may lie between them.
    earlier
        What was listed before both.
    """
    return (
        with_known_ids(before, after, earlier),
        with_known_ids(after, before, earlier),
        with_known_ids(earlier, before, earlier, after),
    )
