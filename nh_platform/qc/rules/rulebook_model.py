"""Model of a rulebook: unit rules, session rules, trial mask, region rules, and which columns stand for what.

Contains the pydantic models of the YAML files in `rulebooks/`. Add here a key that a rulebook may have. Reading and
checking the files is `nh_platform.qc.rules.rulebook`; applying them is `verdicts.py` and `session_rules.py`.
"""

from __future__ import annotations

import hashlib
import json
import operator
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from nh_platform.qc.rules.changes.rule_change import RuleChange

Comparison = Literal["<", "<=", ">", ">=", "==", "in"]
HOLDS: dict[Comparison, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "in": lambda value, allowed: value in allowed,
}
"""Whether a value, or each of an array but for ``in``, compares so with a threshold."""
NanPolicy = Literal["fail", "pass", "ignore"]
COUNTS_AS: dict[NanPolicy, str] = {
    "fail": "counts as fail",
    "pass": "counts as pass",
    "ignore": "is judged without it",
}
"""What becomes of a unit without a value, in words."""
ValueSource = Literal["released", "recomputed"]
Severity = Literal["warn"]
"""Rules only warn: the one error is the gate of unusable data, `units_usable`, which no rulebook switches off."""
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Threshold = Scalar | list[Scalar]
RuleId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1)]

RESERVED_RULE_IDS = ("released_vs_recomputed", "units_usable", "values_plausible")
"""Checks of a session that no rulebook makes. A rule's check is named by the rule alone (decision 0019)."""

SHOWN_DIGITS = 12
"""Digits of a rulebook's digest that are shown: as many as of a data version."""

DEFAULT_WARN_BELOW = 0.1
"""For rules whose spread over released sessions is not known: warn where fewer than one unit in ten passes."""


class _Strict(BaseModel):
    """A model that refuses keys it does not know, so that a typo never switches a rule off."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Comparing(_Strict):
    """One comparison that something is held against.

    ``nan`` says what a value that is not available means: ``fail`` and ``pass`` decide the rule, ``ignore`` leaves it
    out. ``unit`` is the unit of measure of the threshold. ``why`` says what the comparison guards against: it stands
    beside what passes and beside what fails. ``history`` lists its changes, the oldest first.
    """

    id: RuleId
    comparison: Comparison
    threshold: Threshold
    unit: Text
    nan: NanPolicy
    severity: Severity
    why: Text
    references: list[str] = []
    since: Text
    history: list[RuleChange] = []


class Fallback(_Strict):
    """What a unit is held against where the metric of a rule has no value.

    What it does not state is that of the rule: a fallback on another scale states ``threshold``, and ``unit`` with it.
    ``use`` is the rulebook's where it states none.
    """

    metric: Text
    comparison: Comparison | None = None
    threshold: Threshold | None = None
    unit: Text | None = None
    metric_unit: Text | None = None
    use: ValueSource | None = None


def _by_metric(value: object) -> object:
    return {"metric": value} if isinstance(value, str) else value


class Rule(Comparing):
    """One comparison that every unit is held against.

    Where ``unit`` is another scale of the metric's own unit, ``metric_unit`` repeats the metric's, so that the
    conversion is written down.
    ``warn_below`` is the share of a session's units that must pass the rule for its asset check to be green: some units
    fail every rule in every session, so a warning is for a session that is unlike the others.
    ``fallback`` judges units, and whole sessions, of which the metric has no value; where it has none either, ``nan``
    decides.
    """

    metric: Text
    metric_unit: Text | None = None
    warn_below: Annotated[float, Field(ge=0, le=1)] = DEFAULT_WARN_BELOW
    use: ValueSource | None = None
    fallback: Annotated[Fallback | None, BeforeValidator(_by_metric)] = None

    @property
    def in_place(self) -> Rule | None:
        """The rule that the fallback makes of this one; None where it has none."""
        if self.fallback is None:
            return None
        stated = {name: value for name, value in self.fallback if value is not None}
        if self.fallback.unit is not None:
            stated["metric_unit"] = self.fallback.metric_unit
        return self.model_copy(update={"use": None, **stated, "fallback": None})

    @property
    def metrics(self) -> tuple[str, ...]:
        """Definition ids that it reads: its metric, and that of its fallback."""
        return (self.metric,) if self.fallback is None else (self.metric, self.fallback.metric)


class ColumnSource(_Strict):
    """A released column that stands for a quantity.

    ``kind`` says how: ``value`` compares its value; ``verdict`` holds the outcome of the rule itself (``passes`` is
    the passing value); ``present`` is yes where the column is not null; ``nonzero`` is yes where it is not 0.
    ``unit`` is upstream's unit of measure. ``table: units`` reads the column of the platform's own units table under
    exactly this name instead of upstream's; ``table: other`` that of a table which another tool wrote, and never the
    platform's own, where a release may use the name for another formula. ``absolute`` reads the size of a value.
    """

    column: Text
    kind: Literal["value", "verdict", "present", "nonzero"] = "value"
    unit: Text = "-"
    passes: Scalar | None = None
    table: Literal["upstream", "units", "other"] = "upstream"
    absolute: bool = False
    why: str = ""


class Unless(_Strict):
    """A person's decision upstream that settles a session rule, for example experimenter_task PASS."""

    field: Text
    equals: Scalar


class SessionRule(Comparing):
    """One comparison that a session, probe insertion or region recording is held against.

    ``field`` names an entry of the record; dots go into nested entries. ``absolute`` compares the absolute value.
    ``settled_by`` are rules of the same scope that together say what this one does: where its own value is not known
    and theirs are, it passes if all of them do, before its NaN policy is asked.
    """

    scope: Literal["session", "probe", "region"]
    field: Text
    absolute: bool = False
    unless: Unless | None = None
    settled_by: list[RuleId] = []


class TrialMask(_Strict):
    """Trials that are used: bounds on the reaction time and fields that must not be NaN.

    The reaction time is ``firstMovement_times - stimOn_times``; both bounds belong to the kept range.
    """

    reaction_time_min_s: float
    reaction_time_max_s: float
    not_nan: list[Text]
    trial_length_min_s: float | None = None
    trial_length_max_s: float | None = None
    exclude_unbiased: bool = False
    exclude_nochoice: bool = False
    why: Text
    references: list[str] = []


class RegionRules(_Strict):
    """Regions that are used: at least ``min_units`` good units in each of at least ``min_sessions`` sessions."""

    min_units: Annotated[int, Field(ge=1)]
    min_sessions: Annotated[int, Field(ge=1)]
    drop: list[str] = []
    atlas: Literal["beryl", "cosmos", "acronym"] = "beryl"
    why: Text
    references: list[str] = []


class Rulebook(_Strict):
    """A versioned list of rules and how they make a label.

    ``label``: ``thirds`` is the mean of the rule booleans (three rules give thirds; the name is IBL's), ``all`` is 1
    where every counted rule passes and 0 elsewhere. In both a good unit has label 1.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9\-]*$", max_length=40)]
    title: Text
    version: Text
    sources: list[Text] = Field(min_length=1)
    why: Text
    references: list[str] = []
    use: ValueSource = "released"
    label: Literal["thirds", "all"] = "all"
    review_quorum: Annotated[int, Field(ge=1)] = 2
    rules: list[Rule] = []
    columns: dict[str, list[ColumnSource]] = {}
    session: list[SessionRule] = []
    trial_mask: TrialMask | None = None
    regions: RegionRules | None = None
    notes: list[Text] = []

    def rule(self, rule_id: str) -> Rule:
        """Return the unit rule with this id.

        Raises
        ------
        KeyError
            If the rulebook has no such rule.
        """
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)

    def uses(self, rule: Rule, value_source: ValueSource | None = None) -> ValueSource:
        """Return where the values of ``rule`` are read: the rule's own wish, the caller's, then the rulebook's."""
        return rule.use or value_source or self.use

    @property
    def digest(self) -> str:
        """The first digits of `content_version`, as people are shown it."""
        return self.content_version()[:SHOWN_DIGITS]

    def content_version(self) -> str:
        """Return sha256 over everything that can change a verdict.

        Titles, reasons, references, severities, warnings, histories and notes are left out: better wording must not
        mark the units of every session stale.
        """
        words = {"title", "why", "references", "notes", "severity", "since", "warn_below", "history"}
        content: Any = _without(self.model_dump(mode="json"), words)
        for rule in content["rules"]:
            if rule["fallback"] is None:  # no rule had one before: the version of those stays what it was
                del rule["fallback"]
        for source in [one for sources in content["columns"].values() for one in sources]:
            if not source["absolute"]:
                del source["absolute"]
        return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def wording_version(self) -> str:
        """Return sha256 over all that it states, titles, reasons and histories too: pages show them."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def _without(value: object, keys: set[str]) -> object:
    if isinstance(value, dict):
        return {key: _without(inner, keys) for key, inner in value.items() if key not in keys}
    if isinstance(value, list):
        return [_without(inner, keys) for inner in value]
    return value
