"""The split of sessions by their subject: a function of the subject's name and a seed, and of nothing else.

Contains the hash and the table of who is where. Add here what divides whole sessions. Lists of subjects that never
train are `reserved_lists`; stretches within a session are `time_ranges`.

A subject is an animal: IBL's nickname, Allen's donor. All sessions of one are in one split, in every release, and
adding sessions moves none, because no other subject is looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

import pandas as pd

from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.session.errors import close_matches
from nh_platform.windows.splits.reserved_lists import ReservedList

SPLITS = TRAIN, VALID, TEST = ("train", "valid", "test")
RESERVED, HELD_OUT = "reserved", "held_out"
"""Splits of sessions that a list, or a person, keeps out of training, validation and test."""

SHARES = {TRAIN: 80, VALID: 10, TEST: 10}
"""Percent of the subjects of each split, as the seed guide has it."""

SEED = 36
"""Of the seeds below 60 the one whose shares of subjects and sessions are nearest to 80, 10 and 10 % on the 126 animals
of the Brain-wide Map of 2023 that are not reserved: 79.4, 10.3 and 10.3 % of the animals. No model was looked at."""

_SCALE = 1 << 64
_NO_SUBJECT = ("", "NA", "N/A", "NaN", "nan", "None", "null")
"""What tables hold where an animal is not known."""
_NONE: Mapping[str, str] = MappingProxyType({})


def split_by_subject(
    sessions: pd.DataFrame,
    *,
    seed: int = SEED,
    shares: Mapping[str, int] = SHARES,
    reserved: Sequence[ReservedList] = (),
    hold_out_labs: Collection[str] = (),
    hold_out_sessions: Mapping[str, str] = _NONE,
    allow_empty: bool = False,
) -> pd.DataFrame:
    """Return the sessions with the split of each, and why where it is not by the hash.

    Parameters
    ----------
    sessions
        ``session_id`` and ``subject``; ``source`` and ``lab`` where known. One row per session, or per insertion.
    seed
        Another seed is another split.
    shares
        Percent of the subjects by split; they add up to 100.
    reserved
        Lists whose subjects and sessions are ``reserved``.
    hold_out_labs
        Labs of which every session is ``held_out``: a test of transfer to a lab that no model has seen.
    hold_out_sessions
        Why by session id: sessions that are ``held_out`` with all others of their subjects, such as those with a probe
        in a region that no model is to see.
    allow_empty
        Whether a split may have no subject.

    Returns
    -------
    pandas.DataFrame
        The rows of ``sessions`` with ``split`` (`SPLITS`, ``reserved`` or ``held_out``) and ``why`` (name of the list
        or lab; empty where the hash decides).

    Raises
    ------
    ConfigError
        If shares do not add up, a session has no subject, a lab is not there, or a split would be empty.

    Examples
    --------
    >>> table = pd.DataFrame({"session_id": list("abcd"), "subject": ["CSHL049", "CSHL049", "NYU-11", "NYU-48"]})
    >>> split_by_subject(table.assign(source="ibl"))["split"].tolist()
    ['valid', 'valid', 'train', 'test']
    """
    _check(sessions, shares, hold_out_labs)
    ordered = [*(name for name in SPLITS if name in shares), *(name for name in shares if name not in SPLITS)]
    shares = {name: shares[name] for name in ordered}  # whatever the order in which they are stated
    subjects = sessions["subject"].astype(str)
    sources = sessions["source"].astype(str) if "source" in sessions else pd.Series("", index=sessions.index)
    by_hash = {one: _drawn(one, seed, shares) for one in dict.fromkeys(zip(sources, subjects))}
    split = pd.Series([by_hash[one] for one in zip(sources, subjects)], index=sessions.index, dtype=object)
    why = pd.Series("", index=sessions.index, dtype=object)
    of_lab = {lab: f"lab {lab}" for lab in hold_out_labs}
    of_subject = pd.Series(list(zip(sources, subjects)), index=sessions.index)
    for column, reasons in (("lab", of_lab), ("session_id", hold_out_sessions)):
        reason = sessions[column].map(dict(reasons)) if reasons else pd.Series(dtype=object)
        for words in dict.fromkeys(reason.dropna()):
            # An animal is kept out with all its sessions, also those of another lab or region.
            held = of_subject.isin(set(of_subject[reason == words]))
            split[held], why[held] = HELD_OUT, words
    for one in reserved:
        listed = one.of_sessions(sessions)
        split[listed], why[listed] = RESERVED, one.id
    found = sessions.assign(split=split, why=why)
    empty = [name for name, share in shares.items() if share and name not in set(split)]
    if empty and not allow_empty:
        stated = ", ".join(f"{name} {share} %" for name, share in shares.items())
        raise ConfigError(
            f"split of {counted(len(by_hash), 'subject')} by {stated}",
            f"no subject falls into {' or '.join(empty)}",
            "Take more subjects or another seed, or divide each session in time: `causal_ranges`.",
        )
    return found


def session_fraction(seed: int, *words: str) -> int:
    """Return a whole number below 2**64 that depends on a seed and words alone, evenly spread over them."""
    text = "\x1f".join(["nh-split", str(seed), *words])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _drawn(subject: tuple[str, str], seed: int, shares: Mapping[str, int]) -> str:
    """Return the split of a subject of a source; thresholds are whole numbers, which no rounding moves."""
    drawn, below = session_fraction(seed, *subject) * 100, 0
    for name, share in shares.items():
        below += share
        if drawn < below * _SCALE:
            return name
    raise AssertionError("shares add up to 100")


def _check(sessions: pd.DataFrame, shares: Mapping[str, int], labs: Collection[str]) -> None:
    total = sum(shares.values())
    if total != 100 or any(share < 0 for share in shares.values()):
        stated = ", ".join(f"{name} {share}" for name, share in shares.items())
        raise ConfigError(f"shares {stated}", f"they add up to {total}", "State percents that add up to 100.")
    missing = sessions["subject"].isna() | sessions["subject"].astype(str).str.strip().isin(_NO_SUBJECT)
    if missing.any():
        first = sessions.loc[missing, "session_id"].iloc[0]
        found = f"{int(missing.sum())} of {len(sessions)} rows have none, session {first} first"
        raise ConfigError("subjects of the sessions", found, "A split by subject needs the subject of every session.")
    known = sorted(set(sessions["lab"].astype(str))) if "lab" in sessions else []
    for lab in labs:
        if lab not in known:
            action = f"Name one of them.{close_matches(lab, known)}"
            raise ConfigError(f"lab {lab!r}", f"no session is of it; there are {', '.join(known) or 'none'}", action)
