"""Why one unit passed or failed: every rule with its value, by every rulebook that judged it, and its reviews.

Contains the words behind `nh qc explain`. Add here what a person asking about one unit wants to see. The verdicts are
those stored in the `units` table; nothing is decided again here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from nh_platform.qc.reviews.evidence_words import label_lines
from nh_platform.qc.reviews.review_decisions import unit_interval_reviews, unit_reviews
from nh_platform.qc.reviews.review_files import SessionReviews
from nh_platform.qc.reviews.review_model import Day
from nh_platform.qc.rules.quantities import Quantity, after_number, quantity, said_of, shown_number
from nh_platform.qc.rules.rule_columns import RuleValues
from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_model import COUNTS_AS, Rule, Rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook, in_rule_unit, is_numeric
from nh_platform.session import UnknownSession

LABEL_WORDS = "label: what a rulebook makes of its rules, 1 for a good unit; less is the share of rules passed, or 0"


def find_unit(units: pd.DataFrame, name: str, where: str) -> pd.DataFrame:
    """Return the one row of ``units`` that ``name`` means.

    Parameters
    ----------
    units
        Units table of a session (schema `UNITS`).
    name
        Unit id, the start of exactly one unit id, or ``probe/cluster_id``.
    where
        Names the session in error texts.

    Raises
    ------
    UnknownSession
        If no unit, or more than one, is meant.
    """
    ids = units["unit_id"].astype(str)
    chosen = ids == name
    if not chosen.any() and "/" in name:
        chosen = (units["probe"].astype(str) + "/" + units["cluster_id"].astype(str)) == name
    if not chosen.any() and name:
        chosen = ids.str.startswith(name)
    if int(chosen.sum()) != 1:
        found = f"{int(chosen.sum())} of its {len(units)} units match"
        example = f", for example {ids.iloc[0]}" if len(units) else ""
        raise UnknownSession(f"unit {name!r} of {where}", found, f"Give a whole unit id{example}, or PROBE/CLUSTER.")
    return units[chosen]


def explain_unit(
    row: pd.DataFrame,
    reviews: SessionReviews,
    today: Day,
    rulebooks: Mapping[str, Rulebook] | None = None,
    not_judged: Mapping[str, float] | None = None,
) -> list[str]:
    """Return lines of text about one unit.

    Parameters
    ----------
    row
        One row of the units table.
    reviews
        Reviews of the session; the state of each that is about the unit is shown, expired ones too.
    today
        Day on which reviews count: the platform's, as for the units themselves.
    rulebooks
        Rulebooks by id that are configured besides the shipped ones; the rest is looked up among those.
    not_judged
        What is known of the unit and is no column of the table, by definition id: shown beside the rule that asks.
    """
    unit = row.iloc[0]
    place = unit["beryl"] if isinstance(unit.get("beryl"), str) else unit.get("acronym")
    lines = [
        f"unit {unit['unit_id']}  {unit['probe']}, cluster {unit['cluster_id']}, {unit['n_spikes']} spikes, "
        f"region {place if isinstance(place, str) else 'unknown'}"
    ]
    judged = [str(name).removeprefix("label.") for name in row.columns if str(name).startswith("label.")]
    if judged:
        lines.append(LABEL_WORDS)
    lines += _interval_lines(str(unit["unit_id"]), reviews, today, [*(rulebooks or {}).values()], judged)
    for rulebook_id in judged:
        lines += ["", *_rulebook_lines(row, rulebook_id, reviews, today, rulebooks or {}, not_judged or {})]
    if not judged:
        lines += ["", "no rulebook judged it; see `also_rulebooks` in the configuration of the source"]
    return lines + label_lines(unit)


def _interval_lines(
    unit: str, reviews: SessionReviews, today: Day, rulebooks: Sequence[Rulebook], judged: Sequence[str]
) -> list[str]:
    """Return a line for each interval of the unit that was reviewed; the quorum is that of the active rulebook."""
    known = [*rulebooks, *(load_rulebook(name) for name in judged if name in rulebook_ids())]
    quorum = known[0].review_quorum if known else 1
    return [
        f"not valid in {one.name}: {one.text}" if one.decision == "fail" else f"{one.name}: {one.state}: {one.text}"
        for one in unit_interval_reviews(reviews, quorum, today)
        if one.about.unit == unit
    ]


def _rulebook_lines(
    row: pd.DataFrame,
    rulebook_id: str,
    reviews: SessionReviews,
    today: Day,
    rulebooks: Mapping[str, Rulebook],
    not_judged: Mapping[str, float],
) -> list[str]:
    unit = row.iloc[0]
    passed = bool(unit[f"pass.{rulebook_id}"])
    reason = str(unit[f"reason.{rulebook_id}"] or "")
    label = float(unit[f"label.{rulebook_id}"])
    lines = [f"{rulebook_id}: {'pass' if passed else 'FAIL'}, label {label:.3g}" + (f"  ({reason})" if reason else "")]
    if rulebook_id not in rulebooks and rulebook_id not in rulebook_ids():
        # Judged by a rulebook that is gone: the stored words are what there is.
        return [*lines, "  (this rulebook is neither configured nor shipped any more; its rules cannot be shown)"]
    rulebook = rulebooks.get(rulebook_id) or load_rulebook(rulebook_id)
    lines += [f"  {text}" for text in _rule_lines(row, rulebook, not_judged)]
    found = unit_reviews(reviews, rulebook, today).get(str(unit["unit_id"]))
    if found is not None:
        lines.append(f"  reviews (quorum {rulebook.review_quorum}): {found.state}: {found.text}")
    return lines


def _rule_lines(row: pd.DataFrame, rulebook: Rulebook, not_judged: Mapping[str, float]) -> list[str]:
    """Return two lines for each rule: what happened, in units of measure and in words, and what it guards against."""
    verdicts = apply_rulebook(row, rulebook, missing="nan")
    lines = []
    for column, (rule, values) in enumerate(zip(rulebook.rules, verdicts.values)):
        stored = row.get(f"rule.{rulebook.id}.{rule.id}")
        passed = bool(verdicts.passed[0, column]) if stored is None else bool(stored.iloc[0])
        word = "pass" if passed else "FAIL"
        if values.missing[0] and rule.nan == "ignore":
            word = "----"  # it neither passes nor fails: the unit is judged without the rule
        happened = f"{word}  {criterion(rule)}: {_value(rule, values)}"
        if values.missing[0]:
            happened += _elsewhere(rule, not_judged.get(rule.metric, float("nan")))
        lines += [happened, f"      Why this rule: {rule.why.strip()}"]
    return lines


def _elsewhere(rule: Rule, known: float) -> str:
    """Return where a value is that `units` do not have, and the value where it is made; empty for columns of units."""
    stated = quantity(rule.metric)
    if not isinstance(stated, Quantity) or not stated.made_by:
        return ""
    made = f": it is {shown_number(known, 5)} and not judged" if known == known else ""
    return f"; units do not wait for it, see {stated.made_by}{made}"


def _value(rule: Rule, values: RuleValues) -> str:
    """Return the value that a rule was held against, where it was read, and what it says of the unit."""
    if values.fallback is not None and values.in_place is not None and rule.in_place is not None and values.in_place[0]:
        name, other = quantity(rule.metric).name, quantity(rule.in_place.metric).name
        return f"{other} {_value(rule.in_place, values.fallback)}; in place of {name}, which has no value"
    read = f" ({_read_from(rule, values)})" if values.column else ""
    if values.missing[0]:
        return f"not available (NaN); the unit {COUNTS_AS[rule.nan]}{read}"
    if not is_numeric(values):
        # the verdict on a text that another column states of the quantity says nothing of the quantity itself
        is_own = values.source is None or values.source.kind != "verdict"
        said = said_of(rule.metric, values.values[0]) if is_own else ""
        return f"{values.values[0]}{read}{' — ' if said else ''}{said}"
    number = float(in_rule_unit(rule, values)[0])
    said = said_of(rule.metric, number)
    return f"{shown_number(number, 5)}{after_number(rule.unit)}{read}{' — ' if said else ''}{said}"


def _read_from(rule: Rule, values: RuleValues) -> str:
    """Return the column of a value: of a recomputed one its definition, also where it stands in for a released one."""
    is_ours = values.source is None or (values.recomputed is not None and bool(values.recomputed[0]))
    return f"recomputed.{rule.metric}" if is_ours else values.column
