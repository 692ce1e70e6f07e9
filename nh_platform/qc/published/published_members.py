"""The sessions and insertions that published releases are made of, by which a listing without a name is recognised.

Contains the reader of a source's `published_members.yaml` and the comparison of a listing with it. Add the members of
another release to the YAML file in the source's folder. What a release is published to hold is
`nh_platform.qc.published.published_counts`; nothing is counted here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from nh_platform.qc.published.published_counts import PublishedRelease, Recognised, published_releases
from nh_platform.qc.published.reconcile import WHOLE_SHARE
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text
from nh_platform.sources.registry import sources

DIGITS = 10
"""Hexadecimal digits of a member: with 3,000 insertions listed, one is mistaken for one of 699 in 500,000 listings."""


class _StatedMembers(BaseModel):
    """What the YAML file says of one release."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    of: Literal["insertions", "sessions"]
    stated_by: str = Field(alias="from")
    members: str


@dataclass(frozen=True)
class Members:
    """Part of a listing that belongs to a published release.

    Parameters
    ----------
    recognised
        The release, and how the listing compares with it.
    insertions
        Rows (schema `INSERTIONS`) of the listing that belong to it.
    session_ids
        Their sessions.
    """

    recognised: Recognised
    insertions: pd.DataFrame
    session_ids: frozenset[str]


def member(session_id: str, probe: str = "") -> str:
    """Return how the YAML files name a session, or with ``probe`` an insertion: `DIGITS` digits of a sha256."""
    text = f"{session_id}/{probe}" if probe else session_id
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def published_members(source: str) -> dict[str, tuple[bool, frozenset[str]]]:
    """Return, by id of the published release, whether its members are insertions (else sessions), and the members."""
    entry = sources().get(source)
    return {} if entry is None or entry.published_members is None else _read(entry.published_members)


@cache
def _read(file: Path) -> dict[str, tuple[bool, frozenset[str]]]:
    stated = checked(parse_yaml(read_text(file), str(file)), dict[str, _StatedMembers])
    return {key: (one.of == "insertions", frozenset(one.members.split())) for key, one in stated.items()}


def recognise_members(source: str, session_ids: Iterable[str], insertions: pd.DataFrame) -> Members | None:
    """Return the published release whose sessions or insertions are listed, or None where no known one is.

    The largest release counts of which `WHOLE_SHARE` is listed; without such a one, the largest of which anything is.
    A listing of exactly its members is that release (``named``); any other is held against it as ``at least``, member
    by member.

    Parameters
    ----------
    source
        Name of the source.
    session_ids
        Sessions that the manifest lists.
    insertions
        Schema `INSERTIONS`, of these sessions.
    """
    found: list[tuple[float, Members]] = []
    listed = sorted(set(session_ids))
    releases = published_releases(source)
    known = {key: value for key, value in published_members(source).items() if key in releases}
    for release_id, (by_insertion, members) in sorted(known.items(), key=lambda item: -len(item[1][1])):
        release = releases[release_id]
        if by_insertion:
            pairs = zip(insertions["session_id"], insertions["probe"])
            keep = pd.Series([member(s, p) in members for s, p in pairs], index=insertions.index, dtype=bool)
            sessions = frozenset(insertions.loc[keep, "session_id"])
            n_listed, n_found, what = len(insertions), int(keep.sum()), "insertions"
        else:
            sessions = frozenset(session for session in listed if member(session) in members)
            keep = insertions["session_id"].isin(sessions)
            n_listed, n_found, what = len(listed), len(sessions), "sessions"
        if n_found:
            recognised = _recognised(release, n_found, len(members), n_listed, what)
            found.append((n_found / len(members), Members(recognised, insertions[keep], sessions)))
    whole = [members for share, members in found if share >= WHOLE_SHARE]
    return next(iter([*whole, *(members for _, members in found)]), None)


def _recognised(release: PublishedRelease, n_found: int, n_members: int, n_listed: int, what: str) -> Recognised:
    if n_found == n_members == n_listed:
        return Recognised(release, "named", f"the {what} listed are exactly those of the release")
    others = f"; listed and not counted: {n_listed - n_found:,}" if n_listed > n_found else ""
    return Recognised(release, "at least", f"at least: {n_found:,} of its {n_members:,} {what} are listed{others}")
