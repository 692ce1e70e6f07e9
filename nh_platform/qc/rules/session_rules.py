"""Sessions, insertions and trials that are used: the rules of a rulebook that are not about single units.

Contains the evaluation of session rules on a record, the trial mask, and the facts of a trials table that session rules
read. Add here a criterion above the unit. Unit rules belong to `nh_platform.qc.rules.verdicts`, those about regions
across sessions to `nh_platform.qc.rules.region_rules`; what a record holds is read by `nh_platform.reading.inclusion`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.rules.quantities import after_number, shown_number
from nh_platform.qc.rules.rulebook_model import HOLDS, Rulebook, SessionRule, TrialMask
from nh_platform.session import ConfigError, SchemaError

EASY_CONTRAST = 0.5  # ibllib training criteria: performance counts on contrasts of at least 50 %.
Scope = Literal["session", "probe", "region"]


@dataclass(frozen=True)
class RuleOutcome:
    """One rule held against one record.

    Parameters
    ----------
    rule
        Id of the rule.
    value
        What the record states; None where it states nothing.
    passed
        Whether the rule is passed, NaN policy and overrides applied.
    counted
        False where the value is not known and the rule says ``nan: ignore``.
    reason
        Why it fails, or in words what passed it although its value fails; empty where it simply passes.
    settled_by
        Rules that decided it where its own value is not known.
    """

    rule: str
    value: object
    passed: bool
    counted: bool
    reason: str
    settled_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class SessionVerdict:
    """Verdict of a rulebook on one session, insertion or region recording."""

    rulebook: str
    scope: Scope
    outcomes: tuple[RuleOutcome, ...]

    @property
    def passed(self) -> bool:
        """Whether every counted rule is passed."""
        return all(outcome.passed for outcome in self.outcomes if outcome.counted)

    @property
    def counted(self) -> bool:
        """Whether any rule could be counted."""
        return any(outcome.counted for outcome in self.outcomes)

    @property
    def reason(self) -> str:
        """Why it fails, in words; empty where it passes."""
        return "; ".join(outcome.reason for outcome in self.outcomes if outcome.counted and not outcome.passed)

    @property
    def not_known(self) -> tuple[str, ...]:
        """Rules whose value nobody states and no other rule settles; the NaN policy of the rulebook decided them."""
        return tuple(o.rule for o in self.outcomes if o.value is None and not o.settled_by)


def evaluate_session(record: Mapping[str, Any], rulebook: Rulebook, *, scope: Scope = "session") -> SessionVerdict:
    """Hold one record against the session rules of a rulebook.

    Parameters
    ----------
    record
        What is known: for IBL sessions ``qc``, ``extended_qc`` (as Alyx states it) and the entries of `trial_facts`;
        for insertions ``qc`` and ``extended_qc``; for a region recording its row of the RIGOR metrics.
    rulebook
        The rulebook.
    scope
        Which rules: those of ``session``, ``probe`` or ``region``.

    Returns
    -------
    SessionVerdict
        One outcome per rule, in the order of the rulebook. A value of another type than the rule compares counts as
        not known: Alyx records mix numbers, text and lists in one field.
    """
    rules = [rule for rule in rulebook.session if rule.scope == scope]
    own = {rule.id: _outcome(record, rule) for rule in rules}
    return SessionVerdict(rulebook.id, scope, tuple(_settled(rule, own) for rule in rules))


def _outcome(record: Mapping[str, Any], rule: SessionRule) -> RuleOutcome:
    value = _usable(_look_up(record, rule.field), rule)
    if value is None:
        failing = rule.nan == "fail"
        reason = f"{rule.id}: {rule.field} not known counts as fail" if failing else ""
        return _unless(record, rule, RuleOutcome(rule.id, None, not failing, rule.nan != "ignore", reason))
    passed = bool(HOLDS[rule.comparison](value, rule.threshold))
    reason = "" if passed else f"{rule.id}: {_shown(value)} not {_wanted(rule)}"
    return _unless(record, rule, RuleOutcome(rule.id, value, passed, True, reason))


def _unless(record: Mapping[str, Any], rule: SessionRule, outcome: RuleOutcome) -> RuleOutcome:
    if outcome.passed or rule.unless is None or _look_up(record, rule.unless.field) != rule.unless.equals:
        return outcome
    reason = f"{outcome.reason}; passed because {rule.unless.field} is {rule.unless.equals}"
    return RuleOutcome(outcome.rule, outcome.value, True, outcome.counted, reason)


def _settled(rule: SessionRule, own: Mapping[str, RuleOutcome]) -> RuleOutcome:
    """Return the outcome of a rule, by the rules that settle it where its own value is not known and theirs are."""
    outcome = own[rule.id]
    others = [own[name] for name in rule.settled_by]
    if outcome.value is not None or not others or any(other.value is None for other in others):
        return outcome
    failing = [other.rule for other in others if not other.passed]
    reason = f"{rule.id}: {rule.field} not known, fails as {' and '.join(failing)}" if failing else ""
    return RuleOutcome(rule.id, None, not failing, True, reason, tuple(rule.settled_by))


def _look_up(record: Mapping[str, Any], field: str) -> object:
    value: object = record
    for step in field.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def _usable(value: object, rule: SessionRule) -> object:
    """Return the value, or None where it is null or of a kind that the rule cannot compare."""
    wanted = rule.threshold[0] if isinstance(rule.threshold, list) else rule.threshold
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(wanted, str):
        return value if isinstance(value, str) else None
    if not isinstance(value, bool | int | float) or (isinstance(value, float) and math.isnan(value)):
        return None
    return abs(value) if rule.absolute else value


def _shown(value: object) -> str:
    return shown_number(value, 4) if isinstance(value, float) else str(value)


def session_criterion(rule: SessionRule) -> str:
    """Return what a rule about sessions, insertions or regions asks for in words, for example ``n_trials >= 400``."""
    return f"{f'|{rule.field}|' if rule.absolute else rule.field} {_wanted(rule)}"


def _wanted(rule: SessionRule) -> str:
    if isinstance(rule.threshold, list):
        return "in (" + ", ".join(str(value) for value in rule.threshold) + ")"
    return f"{rule.comparison} {_shown(rule.threshold)}{after_number(rule.unit)}"


def trial_mask(trials: pd.DataFrame, mask: TrialMask) -> npt.NDArray[np.bool_]:
    """Return which trials a mask keeps, ``(n_trials,)`` bool.

    The reaction time is ``firstMovement_times - stimOn_times``; both bounds are kept. As `load_trials_and_mask` of
    paper-brain-wide-map with its default options, which this equals on every trial.

    Raises
    ------
    SchemaError
        If the table lacks a column that the mask reads.
    """
    needed = {*mask.not_nan, "firstMovement_times", "stimOn_times"}
    if mask.trial_length_min_s is not None or mask.trial_length_max_s is not None:
        needed |= {"feedback_times", "goCue_times"}
    _need(trials, needed)
    reaction = trials["firstMovement_times"].to_numpy(np.float64) - trials["stimOn_times"].to_numpy(np.float64)
    # Written as what is excluded, as upstream: a NaN time is decided by `not_nan` alone.
    keep = ~((reaction < mask.reaction_time_min_s) | (reaction > mask.reaction_time_max_s))
    keep &= ~trials[list(mask.not_nan)].isna().any(axis=1).to_numpy()
    if mask.trial_length_min_s is not None or mask.trial_length_max_s is not None:
        length = trials["feedback_times"].to_numpy(np.float64) - trials["goCue_times"].to_numpy(np.float64)
        shortest = -np.inf if mask.trial_length_min_s is None else mask.trial_length_min_s
        longest = np.inf if mask.trial_length_max_s is None else mask.trial_length_max_s
        keep &= ~((length < shortest) | (length > longest))
    if mask.exclude_unbiased:
        keep &= trials["probabilityLeft"].to_numpy(np.float64) != 0.5
    if mask.exclude_nochoice:
        keep &= trials["choice"].to_numpy(np.float64) != 0
    return keep


def trial_facts(trials: pd.DataFrame, mask: TrialMask | None = None) -> dict[str, float]:
    """Return what session rules read from a trials table.

    Returns
    -------
    dict
        ``n_trials``; ``performance_easy``, the share correct (0-1) on contrasts of at least 50 %, NaN without such
        trials; ``n_errors``, unrewarded trials among those that the mask keeps (all without a mask), as
        `filter_sessions` of paper-brain-wide-map counts them; and with a mask ``n_trials_kept``.

    Raises
    ------
    SchemaError
        If the table lacks contrasts or feedback.
    """
    _need(trials, {"contrastLeft", "contrastRight", "feedbackType"})
    contrast = np.fmax(trials["contrastLeft"].to_numpy(np.float64), trials["contrastRight"].to_numpy(np.float64))
    correct = trials["feedbackType"].to_numpy(np.float64) == 1
    easy = contrast >= EASY_CONTRAST
    kept = np.ones(len(trials), dtype=bool) if mask is None else trial_mask(trials, mask)
    errors = trials["feedbackType"].to_numpy(np.float64) == -1
    facts = {
        "n_trials": float(len(trials)),
        "performance_easy": float(correct[easy].mean()) if easy.any() else float("nan"),
        "n_errors": float((errors & kept).sum()),
    }
    return facts if mask is None else {**facts, "n_trials_kept": float(kept.sum())}


def trial_mask_by(trials: pd.DataFrame, rulebook: Rulebook) -> npt.NDArray[np.bool_]:
    """Return which trials the mask of a rulebook keeps, ``(n_trials,)`` bool, as `trial_mask`.

    Raises
    ------
    ConfigError
        If the rulebook has no trial mask.
    SchemaError
        If the table lacks a column that the mask reads.
    """
    if rulebook.trial_mask is None:
        raise ConfigError(f"rulebook {rulebook.id}", "it has no trial mask", "Name another (`nh qc rules list`).")
    return trial_mask(trials, rulebook.trial_mask)


def _need(trials: pd.DataFrame, columns: set[str]) -> None:
    missing = sorted(columns - set(trials.columns))
    if missing:
        raise SchemaError(
            "trials table",
            f"columns missing: {', '.join(missing)}",
            "Read it through the source, or name an ALF table.",
        )
