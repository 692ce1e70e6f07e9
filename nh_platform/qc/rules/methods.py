"""The methods text of a rulebook: a paragraph with every number and its citation, and the BibTeX entries.

Contains the sentences. Add here another sentence that a methods section needs. Pages for reviewers are written by
`nh_platform.qc.rules.rulebook_pages`.
"""

from __future__ import annotations

from collections.abc import Iterable

from nh_platform.qc.rules.bibliography import bibliography, bibtex
from nh_platform.qc.rules.markdown import listed
from nh_platform.qc.rules.quantities import after_number, quantity
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook, SessionRule, Threshold

_WORDS = {"<": "below", "<=": "at most", ">": "above", ">=": "at least", "==": "equal to", "in": "one of"}


def cited(rulebook: Rulebook) -> list[str]:
    """Return the keys of everything that a rulebook cites, in order of first mention."""
    keys = [*rulebook.references]
    keys += [key for rule in rulebook.rules for key in rule.references]
    keys += [key for rule in rulebook.session for key in rule.references]
    keys += rulebook.trial_mask.references if rulebook.trial_mask else []
    keys += rulebook.regions.references if rulebook.regions else []
    return list(dict.fromkeys(keys))


def methods_paragraph(rulebook: Rulebook, *, n_units: int | None = None, n_good: int | None = None) -> str:
    """Return a paragraph for a methods section: every criterion with its number, and citations.

    Parameters
    ----------
    rulebook
        The rulebook.
    n_units, n_good
        Units considered and units kept, added as a sentence where both are given.
    """
    sentences = []
    if rulebook.rules:
        sentences += _unit_sentences(rulebook)
    if n_units is not None and n_good is not None:
        share = f" ({100 * n_good / n_units:.1f} %)" if n_units else ""
        sentences.append(f"Of {n_units:,} units, {n_good:,}{share} met the criteria.")
    sentences += _session_sentences(rulebook)
    if rulebook.trial_mask:
        mask = rulebook.trial_mask
        low, high = f"{mask.reaction_time_min_s:g}", f"{mask.reaction_time_max_s:g}"
        sentences.append(
            f"Trials were used when the first movement came {low} to {high} s after stimulus onset and "
            f"{listed(mask.not_nan)} were available{_citations(mask.references)}."
        )
    if rulebook.regions:
        rules = rulebook.regions
        dropped = f"; units in {listed(rules.drop)} were left out" if rules.drop else ""
        sentences.append(
            f"Regions ({rules.atlas.capitalize()} parcellation) were used when at least {rules.min_sessions} sessions "
            f"had at least {rules.min_units} good units each{dropped}{_citations(rules.references)}."
        )
    source = _citations(rulebook.references)
    sentences.append(f"Criteria are those of rulebook {rulebook.id}, version {rulebook.version}{source}.")
    return " ".join(sentences)


def bibtex_entries(rulebook: Rulebook) -> str:
    """Return the BibTeX entries of everything that a rulebook, and so its paragraph, cites, sorted by key."""
    return "\n\n".join(bibtex(key) for key in sorted(cited(rulebook)))


def _unit_sentences(rulebook: Rulebook) -> list[str]:
    recomputed = "metric values were recomputed from spike times and amplitudes"
    where = recomputed if rulebook.use == "recomputed" else "metric values are those of the release"
    clauses = [_clause(rule) for rule in rulebook.rules]
    sentences = [f"Units were kept when {listed(clauses)}; {where}."]
    failing = [
        listed((quantity(metric).name for metric in rule.metrics), "or")
        for rule in rulebook.rules
        if rule.nan == "fail"
    ]
    if failing and len(failing) == len(rulebook.rules):
        sentences.append("A unit for which a value was not available was not kept.")
    elif failing:
        sentences.append(f"A unit without a value of {listed(failing)} was not kept.")
    definitions = ", ".join(dict.fromkeys(metric for rule in rulebook.rules for metric in rule.metrics))
    sentences.append(f"Metric definitions: {definitions}.")
    return sentences


def _clause(rule: Rule) -> str:
    name = quantity(rule.metric).name
    if rule.threshold is True:
        return f"it lay {name.replace('_', ' ')}{_citations(rule.references)}"
    other = rule.in_place
    fallback = "" if other is None else f" (where it was not available, {_clause(_uncited(other))})"
    return f"{name} was {bound(rule.comparison, rule.threshold, rule.unit)}{fallback}{_citations(rule.references)}"


def _uncited(rule: Rule) -> Rule:
    return rule.model_copy(update={"references": []})


def bound(comparison: str, threshold: Threshold, unit: str) -> str:
    """Return a bound in words, for example ``above 50 µV``."""
    shown = listed([str(value) for value in threshold], "or") if isinstance(threshold, list) else str(threshold)
    return f"{_WORDS[comparison]} {shown}{after_number(unit)}"


def _session_sentences(rulebook: Rulebook) -> list[str]:
    sentences = []
    for scope, noun in (("session", "Sessions"), ("probe", "Insertions"), ("region", "Recordings of a region")):
        rules = [rule for rule in rulebook.session if rule.scope == scope]
        if rules:
            clauses = [f"{field_name(rule)} was {bound(rule.comparison, rule.threshold, rule.unit)}" for rule in rules]
            keys = dict.fromkeys(key for rule in rules for key in rule.references)
            sentences.append(f"{noun} were used when {listed(clauses)}{_citations(keys)}.")
    overrides = dict.fromkeys((rule.unless.field, rule.unless.equals) for rule in rulebook.session if rule.unless)
    for field, value in overrides:
        sentences.append(f"Task criteria were waived where {field.split('.')[-1]} was {value}.")
    return sentences


def field_name(rule: SessionRule) -> str:
    """Return the name of what a session rule reads, without its place in the record."""
    name = rule.field.split(".")[-1].removeprefix("_task_")
    return f"the absolute value of {name}" if rule.absolute else name


def _citations(keys: Iterable[str]) -> str:
    shorts = [bibliography()[key].short for key in keys]
    return f" ({'; '.join(shorts)})" if shorts else ""
