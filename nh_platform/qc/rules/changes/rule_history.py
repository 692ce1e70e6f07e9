"""History of a rule: what its rulebook states of its changes, and what the checks of sessions recorded of them.

Contains the bringing together of both, for pages, reports and commands. Add here another record of what a change did.
Reading Dagster's records is `nh_platform.operations.rule_history`; nothing is read here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from nh_platform.qc.rules.changes.rule_change import RuleChange
from nh_platform.qc.rules.rulebook_model import Rulebook

NOT_COUNTED = "not counted"


@dataclass(frozen=True)
class RuleEvaluation:
    """What the check of a rule found of one session, once.

    Parameters
    ----------
    session
        The session, with its source where sessions of several are looked at.
    evaluated
        When, in UTC.
    rulebook, digest
        By which rulebook, and the digest of what it stated then.
    n_units, n_passing
        Units of the session, and those that passed.
    """

    session: str
    evaluated: dt.datetime
    rulebook: str
    digest: str
    n_units: int
    n_passing: int


@dataclass(frozen=True)
class HistoryEntry:
    """One line of a rule's history.

    Parameters
    ----------
    date
        Day, month or year, as it is known.
    who, what, why, effect
        In words; ``effect`` is `NOT_COUNTED` where nobody counted it.
    is_recorded
        Whether the platform's checks recorded it; else the rulebook states it.
    references
        Keys of the bibliography.
    """

    date: str
    who: str
    what: str
    why: str
    effect: str
    is_recorded: bool = False
    references: tuple[str, ...] = ()


def rule_history(
    rulebook: Rulebook, rule_id: str, evaluations: Iterable[RuleEvaluation] = ()
) -> tuple[HistoryEntry, ...]:
    """Return the history of a rule about units, sessions, insertions or regions, the newest first.

    Parameters
    ----------
    rulebook, rule_id
        The rule.
    evaluations
        What the rule's check found of sessions, in any order; where the rulebook that judged a session changed, the
        units that passed before and after are counted.

    Raises
    ------
    KeyError
        If the rulebook has no such rule.

    Examples
    --------
    >>> from nh_platform.qc.rules.rulebook import load_rulebook
    >>> change = rule_history(load_rulebook("ibl-2022-10"), "noise_cutoff")[-1]
    >>> change.date, change.who
    ('2022-10-04', 'International Brain Laboratory (ibllib 96d6c631, #521)')
    """
    changes = {rule.id: rule.history for rule in (*rulebook.rules, *rulebook.session)}
    stated = [_stated(change) for change in changes[rule_id]]
    oldest_first = sorted([*stated, *_recorded(evaluations)], key=lambda entry: entry.date)
    return tuple(reversed(oldest_first))


def _stated(change: RuleChange) -> HistoryEntry:
    effect = NOT_COUNTED if change.effect is None else str(change.effect)
    return HistoryEntry(change.date, change.who, change.what, change.why, effect, references=tuple(change.references))


def _recorded(evaluations: Iterable[RuleEvaluation]) -> list[HistoryEntry]:
    """Return one entry per pair of rulebook states that judged sessions one after the other, oldest first."""
    by_session: dict[str, list[RuleEvaluation]] = defaultdict(list)
    for evaluation in evaluations:
        by_session[evaluation.session].append(evaluation)
    moved: dict[tuple[str, str, str, str], list[tuple[RuleEvaluation, RuleEvaluation]]] = defaultdict(list)
    for found in by_session.values():
        found.sort(key=lambda one: one.evaluated)
        for before, after in pairwise(found):
            if (before.rulebook, before.digest) != (after.rulebook, after.digest):
                moved[before.rulebook, before.digest, after.rulebook, after.digest].append((before, after))
    entries = [_of_sessions(*states, pairs) for states, pairs in moved.items()]
    return sorted(entries, key=lambda entry: entry.date)


def _of_sessions(
    old: str, old_digest: str, new: str, new_digest: str, pairs: list[tuple[RuleEvaluation, RuleEvaluation]]
) -> HistoryEntry:
    first = min(after.evaluated for _, after in pairs)
    passed, passes = (sum(pair[place].n_passing for pair in pairs) for place in (0, 1))
    n_units = sum(after.n_units for _, after in pairs)
    sessions = f"{len(pairs)} session{'s' * (len(pairs) != 1)}"
    what = f"{old} {old_digest} → {new_digest}" if old == new else f"{old} {old_digest} → {new} {new_digest}"
    return HistoryEntry(
        date=f"{first:%Y-%m-%d}",
        who="the checks of this home",
        what=f"another state of the rules judged {sessions}: {what.replace('  ', ' ')}",
        why="as the rulebook states it",
        effect=f"{passed:,} → {passes:,} of {n_units:,} units pass this rule",
        is_recorded=True,
    )
