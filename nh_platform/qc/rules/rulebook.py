"""Reads rulebooks and refuses those that do not say exactly what they mean, with file and line.

Contains the look-up of the shipped rulebooks, the reader and every check that goes beyond the shape of the YAML. Add
here a check that makes a wrong rulebook impossible. The models are in `rulebook_model.py`; nothing is applied here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.rules.quantities import RELEASED_ONLY, is_column_of_units, quantity, quantity_ids, unit_factor
from nh_platform.qc.rules.rulebook_model import RESERVED_RULE_IDS, ColumnSource, Rule, Rulebook, SessionRule
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.shipped_ids import ids_in
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import Location, YamlFile, parse_yaml, read_text

RULEBOOK_DIR = Path(__file__).with_name("rulebooks")

_ACTIONS = {
    "": "Start from one of `nh qc rules list`.",
    "nan": "State what a value that is not available means for the unit: `nan: fail`, `nan: pass` or `nan: ignore`.",
    "severity": "Write `severity: warn`. A rule never stops a session: the gate `units_usable` alone is an error.",
    "unit": "State the unit of measure of the threshold, for example `unit: Hz`, or `unit: '1'` for a pure number.",
    "why": "Say what the rule guards against: it is shown beside units that pass and beside units that fail.",
}


def rulebook_ids() -> list[str]:
    """Return the ids of the shipped rulebooks, sorted."""
    return ids_in(RULEBOOK_DIR)


def load_rulebook(name: str | os.PathLike[str]) -> Rulebook:
    """Return a shipped rulebook by id, or a rulebook of your own by path of its YAML file.

    Raises
    ------
    ConfigError
        If there is no such rulebook (close matches offered) or it is refused; names file, line, rule, what was
        found and what to do.
    """
    text = os.fspath(name)
    if text in rulebook_ids():
        return _shipped(text)
    path = Path(text)
    if path.suffix in (".yaml", ".yml") or path.is_file():
        rulebook = _parsed(read_text(path), str(path))
        if rulebook.id in rulebook_ids() and rulebook.content_version() != _shipped(rulebook.id).content_version():
            raise ConfigError(
                f"rulebook {path}",
                f"its id is that of the shipped {rulebook.id!r}, and its rules are others",
                "Give it an id of its own: verdicts are stored under the id.",
            )
        return rulebook
    raise ConfigError(
        f"rulebook {text!r}",
        f"unknown; there are {', '.join(rulebook_ids())}",
        f"Name one of them or the path of a YAML file.{close_matches(text, rulebook_ids())}",
    )


@cache
def _shipped(rulebook_id: str) -> Rulebook:
    path = RULEBOOK_DIR / f"{rulebook_id}.yaml"
    rulebook = parse_rulebook(read_text(path), path.name)
    if rulebook.id != rulebook_id:
        raise ConfigError(f"{path.name}:1", f"its id is {rulebook.id!r}", "Name the file after the id.")
    return rulebook


def parse_rulebook(text: str, file: str) -> Rulebook:
    """Parse and check the text of a rulebook.

    Parameters
    ----------
    text
        YAML.
    file
        Name of the file, for error texts.

    Raises
    ------
    ConfigError
        For the first mistake from the top: not YAML, unknown key, missing key (the NaN policy among them), bad
        comparison, duplicate rule id, unknown metric, unit of measure that is not the metric's, threshold that does
        not fit the comparison, unknown reference, a released metric without a column.
    """
    source = parse_yaml(text, file)
    rulebook = checked(source, Rulebook, lambda location: _about(source, location), _ACTIONS)
    _refuse_duplicate_ids(rulebook, source)
    problems = [*_rule_problems(rulebook), *_session_problems(rulebook), *_book_problems(rulebook)]
    if problems:
        raise source.error(*min(problems, key=lambda problem: source.line(problem[0])))
    return rulebook


def _about(source: YamlFile, location: Location) -> tuple[str, Location]:
    """Name the rule that a location is within, by its id where it has one."""
    if len(location) >= 2 and location[0] in ("rules", "session"):
        rule_id = source.at((*location[:2], "id"))
        name = f"rule {rule_id}" if isinstance(rule_id, str) else f"rule number {int(location[1]) + 1}"
        return name, location[2:]
    return "", location


def _refuse_duplicate_ids(rulebook: Rulebook, source: YamlFile) -> None:
    seen: dict[str, int] = {}
    sections: dict[str, Sequence[Rule | SessionRule]] = {"rules": rulebook.rules, "session": rulebook.session}
    for section, rules in sections.items():
        for index, rule in enumerate(rules):
            at: Location = (section, index, "id")
            if rule.id in seen:
                found = f"the id stands already on line {seen[rule.id]}"
                raise source.error(at, f"rule {rule.id}", found, "Give each rule an id of its own.")
            seen[rule.id] = source.line(at)


Problem = tuple[Location, str, str, str]
"""Where a mistake stands, what it is about, what was found there, and what to do."""


def _rule_problems(rulebook: Rulebook) -> Iterator[Problem]:
    known = quantity_ids()
    for index, rule in enumerate(rulebook.rules):
        at: Location = ("rules", index)
        if rule.id in RESERVED_RULE_IDS:
            found = "the id is the name of a check that the platform makes itself"
            yield (*at, "id"), f"rule {rule.id}", found, "Give the rule another id: its check is named by it."
        yield from _reference_problems(rule.references, at, f"rule {rule.id}")
        yield from _history_problems(rule, at)
        yield from _metric_problems(rulebook, rule, at, known)
        if rule.in_place is not None:
            where: Location = (*at, "fallback")
            if rule.in_place.metric == rule.metric:
                found = f"its fallback is its own metric, {rule.metric!r}"
                yield where, f"rule {rule.id}", found, "Name another metric, or remove `fallback`."
            yield from _metric_problems(rulebook, rule.in_place, where, known)


def _metric_problems(rulebook: Rulebook, rule: Rule, at: Location, known: Sequence[str]) -> Iterator[Problem]:
    """Check what a rule, or its fallback, compares with what."""
    yield from _threshold_problems(rule, at)
    if is_column_of_units(rule.metric):
        yield from _own_column_problems(rulebook, rule, at)
    elif rule.metric not in known:
        hint = close_matches(rule.metric, known) or " `nh qc rules metrics` lists them."
        found = f"unknown metric {rule.metric!r}"
        yield (*at, "metric"), f"rule {rule.id}", found, f"Name a definition.{hint}"
    else:
        yield from _unit_problems(rule, at)
        yield from _value_problems(rulebook, rule, at)


def _own_column_problems(rulebook: Rulebook, rule: Rule, at: Location) -> Iterator[Problem]:
    """Check a rule about a label of another curator or a cell type, a column of `units` and nothing else."""
    about = f"rule {rule.id}"
    if rule.unit not in ("-", "1"):
        found = f"unit of measure {rule.unit!r}, but {rule.metric} is a label"
        yield (*at, "unit"), about, found, "Write '-' for words, yes and no, '1' for a number."
    if rule.use is not None:
        found = f"{rule.metric} is neither released nor recomputed"
        yield (*at, "use"), about, found, "Remove the key."
    if rule.metric in rulebook.columns:
        found = f"{rule.metric} is a column of units already"
        yield ("columns", rule.metric), about, found, "Remove it."


def _threshold_problems(rule: Rule | SessionRule, at: Location) -> Iterator[Problem]:
    where, about = (*at, "threshold"), f"rule {rule.id}"
    threshold = rule.threshold
    ordered = rule.comparison in ("<", "<=", ">", ">=")
    if (rule.comparison == "in") != isinstance(threshold, list):
        wanted = "a list of values" if rule.comparison == "in" else "one value"
        yield where, about, f"comparison {rule.comparison!r} with threshold {threshold!r}", f"Give {wanted}."
    elif isinstance(threshold, list):
        if not threshold:
            yield where, about, "the list of allowed values is empty", "List at least one value."
    elif ordered and (isinstance(threshold, bool) or not isinstance(threshold, int | float)):
        action = "Give a number (write 5.0e-5, not 5e-5: YAML reads the latter as text)."
        yield where, about, f"{rule.comparison!r} needs a number, found {threshold!r}", action
    elif isinstance(threshold, float) and math.isnan(threshold):
        yield where, about, "the threshold is NaN", "Nothing compares with it; give a number."


def _unit_problems(rule: Rule, at: Location) -> Iterator[Problem]:
    about = f"rule {rule.id}"
    metric_unit = quantity(rule.metric).unit
    if rule.unit == metric_unit and rule.metric_unit in (None, metric_unit):
        return
    if rule.metric_unit is None:
        found = f"unit of measure {rule.unit!r}, but {rule.metric} is defined in {metric_unit!r}"
        action = f"Use {metric_unit!r}, or state the conversion with `metric_unit: {metric_unit}`."
        yield (*at, "unit"), about, found, action
    elif rule.metric_unit != metric_unit:
        found = f"metric_unit {rule.metric_unit!r}, but {rule.metric} is defined in {metric_unit!r}"
        yield (*at, "metric_unit"), about, found, f"Write `metric_unit: {metric_unit}`."
    elif unit_factor(rule.unit, metric_unit) is None:
        found = f"{rule.unit!r} does not convert to {metric_unit!r}"
        yield (*at, "unit"), about, found, f"State the threshold in {metric_unit!r}."


def _value_problems(rulebook: Rulebook, rule: Rule, at: Location) -> Iterator[Problem]:
    """Check that the rulebook says where the values of ``rule`` come from, and in which unit of measure."""
    about = f"rule {rule.id}"
    reads_release = rulebook.uses(rule) == "released"
    if not reads_release and rule.metric in RELEASED_ONLY:
        found = f"{rule.metric} is stated by releases only and cannot be recomputed"
        yield (*at, "use" if rule.use else "metric"), about, found, "Add `use: released` to the rule, and its column."
    elif reads_release and rule.metric not in rulebook.columns:
        found = f"no released column stands for {rule.metric}"
        yield (*at, "metric"), about, found, f"Add `{rule.metric}:` under `columns:`."
    else:
        for index, column in enumerate(rulebook.columns.get(rule.metric, [])):
            yield from _column_problems(rule, column, ("columns", rule.metric, index))


def _column_problems(rule: Rule, column: ColumnSource, at: Location) -> Iterator[Problem]:
    about = f"column {column.column} for {rule.metric}"
    if column.kind == "verdict" and column.passes is None:
        yield at, about, "a verdict without its passing value", "Add `passes:`, for example 1."
    if column.kind == "value" and unit_factor(column.unit, rule.unit) is None:
        found = f"unit of measure {column.unit!r}, but rule {rule.id} compares in {rule.unit!r}"
        yield at, about, found, "State upstream's unit of measure of the column."


def _session_problems(rulebook: Rulebook) -> Iterator[Problem]:
    scopes = {rule.id: rule.scope for rule in rulebook.session if not rule.settled_by}
    for index, rule in enumerate(rulebook.session):
        at: Location = ("session", index)
        yield from _threshold_problems(rule, at)
        yield from _reference_problems(rule.references, at, f"rule {rule.id}")
        yield from _history_problems(rule, at)
        for name in rule.settled_by:
            if scopes.get(name) != rule.scope:
                found = f"settled_by names {name!r}, which is no rule about a {rule.scope} with a value of its own"
                yield (*at, "settled_by"), f"rule {rule.id}", found, f"Name such rules.{close_matches(name, scopes)}"


def _history_problems(rule: Rule | SessionRule, at: Location) -> Iterator[Problem]:
    about = f"rule {rule.id}"
    for index, (before, after) in enumerate(pairwise(rule.history), start=1):
        if after.date < before.date[: len(after.date)]:
            found = f"the change of {after.date} stands after that of {before.date}"
            yield (*at, "history", index), about, found, "Write the oldest change first."
    for index, change in enumerate(rule.history):
        yield from _reference_problems(change.references, (*at, "history", index), about)


def _book_problems(rulebook: Rulebook) -> Iterator[Problem]:
    yield from _reference_problems(rulebook.references, (), "")
    named = {metric for rule in rulebook.rules for metric in rule.metrics}
    for metric in rulebook.columns:
        if metric not in named:
            found = f"columns are given for {metric!r}, which no rule reads"
            yield ("columns", metric), "columns", found, f"Remove it.{close_matches(metric, named)}"
    if len(rulebook.rules) > 32:
        found = f"{len(rulebook.rules)} rules, but the failed-rule bits hold 32"
        yield ("rules", 32), "", found, "Split the rulebook."
    if not (rulebook.rules or rulebook.session or rulebook.trial_mask or rulebook.regions):
        yield (), "", "it has no rules, session rules, trial mask or region rules", "Add at least one."
    if rulebook.trial_mask:
        mask, about = rulebook.trial_mask, "trial_mask"
        yield from _reference_problems(mask.references, (about,), about)
        if mask.reaction_time_min_s >= mask.reaction_time_max_s:
            found = f"reaction time from {mask.reaction_time_min_s} to {mask.reaction_time_max_s} s keeps no trial"
            yield (about, "reaction_time_min_s"), about, found, "Give a lower minimum."
    if rulebook.regions:
        yield from _reference_problems(rulebook.regions.references, ("regions",), "regions")


def _reference_problems(keys: list[str], at: Location, about: str) -> Iterator[Problem]:
    known = bibliography()
    for index, key in enumerate(keys):
        if key not in known:
            action = f"Add it to qc/rules/bibliography.yaml.{close_matches(key, known)}"
            yield (*at, "references", index), about, f"unknown reference {key!r}", action


_parsed = lru_cache(maxsize=32)(parse_rulebook)
"""A sensor asks for the rulebook once per session: 1,000 readings of one file took 9 s."""
