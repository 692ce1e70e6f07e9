"""What is outside as Dagster sees it: upstream's files and people's reviews, and which versions of them were seen.

Contains the external assets and the observations that the release sensor reports for them. What was reported last is
kept in a file of the home folder, and the sensor's cursor holds its digest alone: Dagster copies a cursor into every
tick, and that of 459 sessions had 128 kB. A file that is lost repeats observations and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from nh_platform.assets.record import REVIEWED_INTERVALS, REVIEWS, upstream_name
from nh_platform.defs.metadata import OWNERS, records_table
from nh_platform.defs.partitions import session_partitions
from nh_platform.history.identity import GROUPS
from nh_platform.home.platform import Platform
from nh_platform.planning.run_requests import changed_versions
from nh_platform.planning.session_states import SourceStates
from nh_platform.session import ConfigError
from nh_platform.sources.entry import SourceEntry
from nh_platform.store.durable import write_durably

_DIGITS = 12
_SHOWN = 50
"""Reviews that an observation lists: Dagster stores each in its history."""
_STATES_KEPT = 2
"""The state of the cursor, and the one that a tick is about to report: it may fail after it was written."""

Observed = Mapping[str, Mapping[str, str]]
"""Version by session, by external asset."""


def external_specs(entry: SourceEntry, read: Iterable[str]) -> list[dg.AssetSpec]:
    """Return what is outside: the upstream files of a session, one asset per group that is read, and its reviews."""
    groups = frozenset(read)
    specs = [
        _external(entry, upstream_name(group), f"What upstream holds of a session: {words}.", entry.upstream_format)
        for group, words in GROUPS.items()
        if group in groups
    ]
    of_reviews = {
        REVIEWS: (
            "People's recorded decisions on a session, from the reviews folder: each observation lists who decided "
            "what, and why. A file with a mistake is named here, by line, and nothing that reads it is made until it "
            "is corrected. Questions and comments alone are no new version: the session's page is made again "
            "for them, since it shows them, and nothing else."
        ),
        REVIEWED_INTERVALS: "The stretches of a session that counted reviews call invalid, and nothing else of them.",
    }
    return specs + [_external(entry, name, words, "yaml") for name, words in of_reviews.items()]


def _external(entry: SourceEntry, name: str, words: str, kind: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey([entry.name, name]),
        description=(
            f"{words}\n\n**Observed, not made.** The sensor looks what is there and reports each version that is new: "
            "*Latest event* and the tab *Events* show it. No run fills a partition of it, so that the page says *0% "
            "filled* and *Never materialized*; neither means that something is missing."
        ),
        metadata={
            "observed by": f"{entry.name}_release_sensor",
            "filled": "never: nothing is made here; a session's latest observation has the version that was seen",
        },
        partitions_def=session_partitions(entry.name),
        group_name=entry.name,
        kinds={kind, "observed"},
        owners=OWNERS,
    )


def observe(
    platform: Platform, entry: SourceEntry, states: SourceStates, digest: str
) -> tuple[str, list[dg.AssetObservation]]:
    """Return the digest of what is observed now, and an observation for every version that is new.

    Parameters
    ----------
    platform
        Its folder of Dagster keeps what was observed; its reviews are listed.
    entry, states
        The source, and its sessions.
    digest
        That of what was reported last, from the cursor; empty where nothing was.
    """
    path = platform.settings.dagster_home / "observed" / f"{entry.name}.json"
    now = {
        asset: {session: version[:_DIGITS] for session, version in versions.items()}
        for asset, versions in states.observed.items()
    }
    found = hashlib.sha256(json.dumps(now, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    if found == digest:
        return digest, []
    kept = _kept(path)
    before = kept.get(digest, {})
    observations = [
        _observation(platform, entry, states, asset, session)
        for asset, versions in sorted(now.items())
        for session in changed_versions(before.get(asset, {}), versions)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    last = {name: kept[name] for name in (digest,) if name in kept}
    write_durably(path, json.dumps({**last, found: now}, sort_keys=True).encode())
    return found, observations


def _observation(
    platform: Platform, entry: SourceEntry, states: SourceStates, asset: str, session: str
) -> dg.AssetObservation:
    version = states.observed[asset][session]
    metadata: dict[str, Any] = {"version": version[:_DIGITS]}
    if asset == REVIEWS:
        mistake = states.mistakes.get(session)
        metadata |= {"reviews": mistake} if mistake else _reviews(platform, entry.name, session)
    return dg.AssetObservation(
        asset_key=dg.AssetKey([entry.name, asset]),
        partition=session,
        metadata=metadata,
        tags={"dagster/data_version": version},
    )


def _reviews(platform: Platform, source: str, session: str) -> dict[str, Any]:
    """Return who decided what on a session, and why, as the page shows it; the newest first."""
    from nh_platform.qc.reviews.listed_reviews import entries_newest_first
    from nh_platform.qc.reviews.review_files import read_reviews

    try:
        reviews = read_reviews(platform.reviews_file(source, session))
    except ConfigError as error:  # changed since the states were gathered; the next tick observes it again
        return {"reviews": str(error)}
    rows = entries_newest_first(reviews)
    reviewers = ", ".join(sorted({row["reviewer"] for row in rows}))
    return {"reviewers": reviewers or "none", "number of reviews": len(rows), "reviews": records_table(rows[:_SHOWN])}


def _kept(path: Path) -> dict[str, dict[str, dict[str, str]]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
