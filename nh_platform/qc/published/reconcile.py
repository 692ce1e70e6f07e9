"""Published counts of a release against ours: sessions, insertions, subjects, units, and the funnel of good units.

Contains the counting, as pure functions on tables, and the comparison. Add here another thing that a release is
published to have so many of. The published numbers and who states them are in the `published_counts.yaml` of a source,
read by `nh_platform.qc.published.published_counts`; nothing is read from the store here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nh_platform.qc.published.published_counts import PublishedRelease
from nh_platform.session.tables.across_sessions.catalogs import RECONCILIATION

OF_MANIFEST = ("sessions", "insertions", "subjects")
"""Counted in the manifest; all others in the units of ingested sessions."""

WHOLE_SHARE = 0.9
"""A manifest of fewer of the published sessions is a part of the release, for example a local copy of some of it."""

# As in brainwidemap/meta/inclusion_info.csv and filter_units_region of paper-brain-wide-map.
NOT_GREY = ("void", "root")
MIN_UNITS = 5
MIN_SESSIONS = 2
MIN_UNITS_OF_REGION = 20

_STAGES: dict[str, str] = {
    "good_units": "good units by the release's own rulebook",
    "grey_matter": "good units in grey matter (Beryl, neither void nor root)",
    "five_units": f"of these, in regions with at least {MIN_UNITS} units in the session",
    "two_sessions": f"of these, in regions with at least {MIN_SESSIONS} such sessions",
    "twenty_units": f"of these, in regions with at least {MIN_UNITS_OF_REGION} units",
}
_THINGS = ("units", "sessions", "insertions", "regions")


def _count_ids() -> dict[str, str]:
    ids = {
        "sessions": "sessions that the manifest lists",
        "insertions": "probe insertions that the manifest lists",
        "subjects": "animals that the manifest lists",
        "units": "units of ingested sessions, before any filter",
        "regions": "Beryl regions that have a unit",
    }
    for stage, meaning in _STAGES.items():
        for thing in _THINGS:
            name = stage if (stage, thing) == ("good_units", "units") else f"{stage}_{thing}"
            ids[name] = meaning if thing == "units" else f"{thing} with {meaning}"
    return ids


_Row = tuple[str, int | None, int | None, str, str, str]
"""Count, published, ours, state, explanation, cited."""

COUNTS: dict[str, str] = _count_ids()
"""What can be counted, in words, by the id that `published_counts.yaml` uses."""


@dataclass(frozen=True)
class Reconciliation:
    """Outcome of comparing a source with its published release.

    Parameters
    ----------
    release
        The published release; None where none is known for what the manifest shows.
    table
        Schema `RECONCILIATION`, one row per count.
    n_sessions, n_ingested
        Sessions of the manifest, and those of them whose units are in the store.
    coverage
        Ingested share of the sessions of the published release (of the manifest, where none is known), 0 to 1.
    complete
        Whether all that the release has is ingested, as far as upstream shows it.
    binding
        Whether another count than the published one contradicts the release; not where the listing is another version,
        or may hold more.
    note
        How the release was found, or why none was, in words.
    """

    release: PublishedRelease | None
    table: pd.DataFrame
    n_sessions: int
    n_ingested: int
    coverage: float
    complete: bool
    binding: bool = True
    note: str = ""

    @property
    def differing(self) -> pd.DataFrame:
        """The rows that a complete release must not have; in an incomplete one, counts above the published."""
        failing = ["differs", *(["not counted"] if self.complete and self.binding else [])]
        return self.table[self.table["state"].isin(failing)]

    @property
    def passed(self) -> bool:
        """Whether nothing published is contradicted."""
        return len(self.differing) == 0

    @property
    def compared(self) -> bool:
        """Whether there was anything published to compare with."""
        return self.release is not None

    def text(self) -> str:
        """Return the outcome in one or two sentences; the first words say where nothing was compared."""
        if self.release is None:
            note = self.note or "no published counts are known for this release"
            return f"Not compared: {note}; {self.n_ingested} of {self.n_sessions} sessions are ingested."
        ingested = f"{self.coverage:.1%} of its sessions are ingested."
        if not self.binding:
            head = f"{self.release.title}, {self.note}. {ingested}"
        else:
            state = "complete" if self.complete else "incomplete"
            head = f"{self.release.title}, {state}: {f'{self.note}; ' if self.note else ''}{ingested}"
        published = self.table[self.table["state"] != "not published"]
        equal = int(published["state"].isin(["equal", "known"]).sum())
        if self.passed:
            others = "; none is contradicted" if self.binding else self._others()
            return f"{head} {equal} of {len(published)} published counts are met{others}."
        parts = [
            f"{row.count_} {row.ours:,.0f} instead of {row.published:,.0f}"
            if row.state == "differs"
            else f"{row.count_} not counted"
            for row in self.differing.rename(columns={"count": "count_"}).itertuples()
        ]
        return f"{head} Not as published: {'; '.join(parts)}."

    def _others(self) -> str:
        rows = self.table[self.table["state"] == "may differ"].rename(columns={"count": "count_"}).itertuples()
        parts = [f"{row.count_} {row.ours:,.0f} where {row.published:,.0f} are published" for row in rows]
        return f"; {'; '.join(parts)}" if parts else ""


def count_release(
    sessions: pd.DataFrame, insertions: pd.DataFrame, units: pd.DataFrame, *, judged: bool = True
) -> dict[str, int]:
    """Count everything that a release may be published to have.

    Parameters
    ----------
    sessions, insertions
        Tables of the manifest: ``session_id``, ``subject``; and ``session_id``, ``insertion_id``.
    units
        One row per unit of every ingested session: ``session_id``, ``probe``, ``region`` (Beryl, null where
        unlocated) and ``good`` (bool, by the release's own rulebook, without reviews).
    judged
        False where the units were not judged by that rulebook; the counts of good units are then left out.

    Returns
    -------
    dict
        By id of `COUNTS`.
    """
    counts = {
        "sessions": sessions["session_id"].nunique(),
        "insertions": len(insertions[["session_id", "insertion_id"]].drop_duplicates()),
        "subjects": sessions["subject"].nunique(),
        "units": len(units),
        "regions": units["region"].nunique(),
    }
    if judged:
        for stage, kept in _funnel(units).items():
            found = {
                "units": len(kept),
                "sessions": kept["session_id"].nunique(),
                "insertions": len(kept[["session_id", "probe"]].drop_duplicates()),
                "regions": kept["region"].nunique(),
            }
            for thing, value in found.items():
                counts[stage if (stage, thing) == ("good_units", "units") else f"{stage}_{thing}"] = value
    return {name: int(value) for name, value in counts.items()}


def _funnel(units: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the units that are left at each stage of the published funnel."""
    good = units[units["good"].to_numpy(dtype=bool)]
    grey = good[good["region"].notna() & ~good["region"].isin(NOT_GREY)]
    pair = grey.groupby(["region", "session_id"])["good"].transform("size")
    five = grey[pair >= MIN_UNITS]
    two = five[five.groupby("region")["session_id"].transform("nunique") >= MIN_SESSIONS]
    twenty = two[two.groupby("region")["good"].transform("size") >= MIN_UNITS_OF_REGION]
    return {"good_units": good, "grey_matter": grey, "five_units": five, "two_sessions": two, "twenty_units": twenty}


def reconcile(
    release: PublishedRelease | None,
    ours: Mapping[str, int],
    *,
    listed: Collection[str],
    ingested: Collection[str],
    whole: bool,
    binding: bool = True,
    note: str = "",
) -> Reconciliation:
    """Compare our counts with the published ones.

    A release is complete when as many sessions are ingested as were published, or when all that the manifest lists
    are, the manifest calls itself this release (``whole``) and it lists at least `WHOLE_SHARE` of the published
    sessions: those that upstream withdrew are then missing, not outstanding. Until then a count below the published
    one is *incomplete*. A count above it *differs* at any time, because no further session can bring it down.

    Parameters
    ----------
    release
        The published release, or None.
    ours
        From `count_release`.
    listed, ingested
        Session ids of the manifest, and of those whose units are in the store.
    whole
        Whether the manifest was recognised by its own name rather than by the configuration, which may point at a
        part of a release.
    binding
        Whether another count than the published one contradicts the release; where not, it *may differ*.
    note
        How the release was found, or why none was, in words.
    """
    n_listed, n_ingested = len(set(listed)), len(set(ingested) & set(listed))
    if release is None:
        coverage = n_ingested / n_listed if n_listed else 0.0
        table = _table([(name, None, value, "not published", "", "") for name, value in ours.items()])
        complete = n_listed > 0 and n_ingested == n_listed
        return Reconciliation(None, table, n_listed, n_ingested, coverage, complete, note=note)
    published_sessions = release.counts["sessions"].value
    all_there_is = n_ingested == n_listed and n_listed >= WHOLE_SHARE * published_sessions
    complete = n_ingested >= published_sessions or (whole and all_there_is)
    rows: list[_Row] = []
    for name in COUNTS:
        published = release.counts.get(name)
        value = ours.get(name)
        if published is None:
            if value is not None:
                rows.append((name, None, value, "not published", "", ""))
            continue
        state, explanation = _state(release, name, published.value, value, complete)
        if state == "differs" and not binding:
            state = "may differ"
        rows.append((name, published.value, value, state, explanation, published.cited))
    coverage = min(n_ingested / published_sessions, 1.0)
    return Reconciliation(release, _table(rows), n_listed, n_ingested, coverage, complete, binding, note)


def _state(release: PublishedRelease, name: str, published: int, ours: int | None, complete: bool) -> tuple[str, str]:
    if ours is None:
        return "not counted", f"the units were not judged by {release.good_units_by}; add it to also_rulebooks"
    if ours == published:
        return "equal", ""
    known = next((one for one in release.known if (one.count, one.value) == (name, ours)), None)
    explanation = "no reason is known" if known is None else known.why.strip()
    if known is not None and known.accepted:
        return "known", explanation
    if ours < published and not complete:
        missing = "the manifest lists" if name in OF_MANIFEST else "the ingested sessions hold"
        return "incomplete", f"{missing} {published - ours:,} fewer" + (f"; {explanation}" if known else "")
    return "differs", f"{abs(ours - published):,} {'more' if ours > published else 'fewer'}; {explanation}"


def _table(rows: Sequence[_Row]) -> pd.DataFrame:
    columns = ["count", "published", "ours", "state", "explanation", "cited"]
    table = pd.DataFrame(rows, columns=columns)
    for name in ("published", "ours"):
        table[name] = [np.nan if value is None else float(value) for value in table[name].astype(object)]
    table["meaning"] = [COUNTS[name] for name in table["count"]]
    return RECONCILIATION.conform(table) if len(table) else RECONCILIATION.empty()
