"""Agreement of labels with what else is said of the same units: rulebook, reviews, release, other curators.

Contains what a label says of a unit as good or not, and the table of agreement. Add here another voice that units have.
Cohen's kappa is `nh_platform.qc.reviews.reviewer_agreement`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from nh_platform.qc.reviews.curators.label_files import CuratorLabels, StoredSet
from nh_platform.qc.reviews.curators.stated_labels import Label
from nh_platform.qc.reviews.reviewer_agreement import cohens_kappa
from nh_platform.qc.rules.rulebook_model import Rulebook

GOOD_WORDS = frozenset({"good", "sua", "su", "single", "singleunit", "accept", "accepted", "pass"})
"""Words for a single unit to keep, in small letters without spaces and signs."""
BAD_WORDS = frozenset(
    {
        *("mua", "mu", "multi", "multiunit", "noise", "artifact", "artefact", "bad", "reject", "rejected", "fail"),
        *("nonsoma", "nonsomatic", "nonsomagood", "nonsomamua"),
    }
)
"""Words for what is no single unit, or none of a soma. Others, such as `unsorted` or `neural`, say neither."""
_OF_RELEASES = ("label", "quality", "group", "KSLabel")
"""Released columns in which a release says which units are good; 1 of a number."""

Votes = Mapping[str, bool]
"""Whether a unit is good, by unit id; units of which nothing is said are not in it."""

AGREEMENT_COLUMNS = (
    *("label_set", "against", "units", "both_good", "labels_only", "other_only", "neither", "agreement", "kappa"),
)


def votes_of_labels(said: CuratorLabels, label_set: StoredSet) -> dict[str, bool]:
    """Return what a label set says of units: by the words that were stated to be good, else by `GOOD_WORDS`.

    Numbers say nothing; a flag ``removed`` says that a unit is not good, where it is set.
    """
    votes = {}
    for unit in said.units:
        vote = _vote(unit.labels.get(label_set.name), label_set)
        if vote is not None:
            votes[unit.unit] = vote
    return votes


def _vote(label: Label | None, label_set: StoredSet) -> bool | None:
    if label is None or label_set.kind == "number":
        return None
    if isinstance(label, bool):
        return False if label and label_set.name == "removed" else None
    words = [label] if isinstance(label, str) else label if isinstance(label, list) else []
    if label_set.good:
        return bool(set(words) & set(label_set.good))
    plain = {re.sub(r"[^a-z]", "", word.lower()) for word in words}
    if plain & BAD_WORDS:
        return False
    return True if plain & GOOD_WORDS else None


def votes_of_units(units: pd.DataFrame, rulebook: Rulebook) -> dict[str, dict[str, bool]]:
    """Return what a stored units table says of its units, by who says it.

    Parameters
    ----------
    units
        Table `UNITS`; the rulebook's label is left out where it was not judged by it.
    rulebook
        The active rulebook.

    Returns
    -------
    dict
        Votes of ``rulebook <id>`` (its rules, reviews aside), ``reviews`` (those that count) and ``released <name>``.
    """
    ids = units["unit_id"].astype(str).tolist()
    found: dict[str, dict[str, bool]] = {}
    if (label := f"label.{rulebook.id}") in units:
        found[f"rulebook {rulebook.id}"] = {unit: bool(value >= 1) for unit, value in zip(ids, units[label])}
    if "review" in units:
        reviewed = zip(ids, units["review"])
        found["reviews"] = {unit: value == "pass" for unit, value in reviewed if value in ("pass", "fail")}
    for name in _OF_RELEASES:
        if (column := f"released.{name}") in units:
            votes = {unit: _released_vote(value) for unit, value in zip(ids, units[column])}
            found[f"released {name}"] = {unit: vote for unit, vote in votes.items() if vote is not None}
    return found


def _released_vote(value: object) -> bool | None:
    if isinstance(value, str):
        plain = re.sub(r"[^a-z]", "", value.lower())
        return True if plain in GOOD_WORDS else False if plain in BAD_WORDS else None
    if value is None or value != value:
        return None
    return float(value) >= 1  # type: ignore[arg-type]  # a number


def agreement_table(
    said: CuratorLabels, others: Iterable[CuratorLabels], of_units: Mapping[str, Votes]
) -> pd.DataFrame:
    """Return how far each label set of a curator agrees with every other voice, unit by unit.

    Parameters
    ----------
    said
        The curator's labels.
    others
        Labels of other curators.
    of_units
        Other voices, as of `votes_of_units`.

    Returns
    -------
    DataFrame
        One row per label set that says which units are good and per voice: ``label_set``, ``against``, ``units`` (of
        which both say something), ``both_good``, ``labels_only`` (good by the labels alone), ``other_only``,
        ``neither``, ``agreement`` (share) and ``kappa`` (Cohen's; NaN where chance alone would agree fully).
    """
    voices = dict(of_units)
    for other in others:
        if other.curator != said.curator:
            for label_set in other.label_sets:
                voices[f"{other.curator} {label_set.name}"] = votes_of_labels(other, label_set)
    rows = []
    for label_set in said.label_sets:
        own = votes_of_labels(said, label_set)
        for name, votes in voices.items():
            shared = sorted(own.keys() & votes.keys())
            if own and votes:
                rows.append(_row(label_set.name, name, [(own[unit], votes[unit]) for unit in shared]))
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _row(label_set: str, against: str, pairs: list[tuple[bool, bool]]) -> dict[str, object]:
    counts = {pair: pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))}
    agreed = counts[True, True] + counts[False, False]
    return {
        "label_set": label_set,
        "against": against,
        "units": len(pairs),
        "both_good": counts[True, True],
        "labels_only": counts[True, False],
        "other_only": counts[False, True],
        "neither": counts[False, False],
        "agreement": agreed / len(pairs) if pairs else float("nan"),
        "kappa": cohens_kappa((a for a, _ in pairs), (b for _, b in pairs)),
    }


def label_counts(said: CuratorLabels) -> pd.DataFrame:
    """Return how often each label was given: ``label_set``, ``label``, ``units``, most first; numbers as one row."""
    rows = []
    for label_set in said.label_sets:
        counts: dict[str, int] = {}
        for unit in said.units:
            label = unit.labels.get(label_set.name)
            words = label if isinstance(label, list) else [] if label is None else [_shown(label)]
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        rows += [
            {"label_set": label_set.name, "label": word, "units": n}
            for word, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ]
    return pd.DataFrame(rows, columns=["label_set", "label", "units"])


def _shown(label: str | bool | float) -> str:
    if isinstance(label, bool):
        return "yes" if label else "no"
    return label if isinstance(label, str) else "a number"
