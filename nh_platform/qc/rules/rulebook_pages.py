"""Turns a rulebook into a page for people.

Contains the writer of `docs/rulebooks/*.md`. Everything is generated from the rulebook and the metric definitions, so
that text and rules cannot drift apart. Add here another section of the page. Methods text is
`nh_platform.qc.rules.methods`; no rule is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from nh_platform.qc.rules.bibliography import bibliography, link
from nh_platform.qc.rules.changes.rule_history import rule_history
from nh_platform.qc.rules.markdown import listed, markdown_table
from nh_platform.qc.rules.methods import bound, cited, field_name, methods_paragraph
from nh_platform.qc.rules.quantities import Quantity, quantity, shown_unit
from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_model import ColumnSource, Rule, Rulebook, SessionRule, TrialMask
from nh_platform.qc.validation.validation_table import validation_section
from nh_platform.sources.registry import short_title

_NAN = {
    "fail": "fails the rule",
    "pass": "passes the rule",
    "ignore": "leaves the rule out for that unit",
}
_REVIEWS = (
    "A reviewed decision replaces the verdict of a unit once {quorum} reviewers agree and none disagrees. Rule columns "
    "and labels keep what the rules say."
)
_GENERATED = "<!-- Written by `nh qc docs` from the rulebook; edit the YAML file, not this page. -->"


def rulebook_page(rulebook: Rulebook, validation: pd.DataFrame | None = None) -> str:
    """Return the Markdown page of a rulebook, with what is known of it from units of known truth.

    Parameters
    ----------
    rulebook
        The rulebook.
    validation
        From `nh_platform.qc.validation.validation_table.read_validation`; the page says nothing of it where None.
    """
    parts = [
        f"# {rulebook.title}",
        _GENERATED,
        f"`{rulebook.id}`, version {rulebook.version}, for {listed(map(short_title, rulebook.sources))} sessions.",
        rulebook.why.strip(),
    ]
    if rulebook.rules:
        parts += ["## Unit rules", _label_text(rulebook), _rule_table(rulebook)]
        for bit, rule in enumerate(rulebook.rules):
            parts.append(_rule_section(rulebook, rule, bit))
        parts += _column_section(rulebook)
    if rulebook.session:
        parts += ["## Rules above the unit", _session_table(rulebook.session)]
        changed = [rule for rule in rulebook.session if rule.history]
        parts += [f"`{rule.id}`. {_history(rulebook, rule)}" for rule in changed]
        unchanged = [f"`{rule.id}` ({rule.since})" for rule in rulebook.session if not rule.history]
        if unchanged:
            parts.append(f"History: no change is recorded, since they were set, of {listed(unchanged)}.")
    if rulebook.trial_mask:
        parts += ["## Trial mask", rulebook.trial_mask.why.strip(), _mask_list(rulebook.trial_mask)]
    if rulebook.regions:
        rules = rulebook.regions
        found = (
            f"- At least {rules.min_units} good units per region and session, and {rules.min_sessions} such sessions "
            f"per region.\n- Regions are those of the {rules.atlas.capitalize()} parcellation; left out: "
            f"{listed(rules.drop)}."
        )
        parts += ["## Region rules", rules.why.strip(), found]
    if validation is not None:
        parts += validation_section(rulebook, validation)
    parts += ["## Reviews", _REVIEWS.format(quorum=rulebook.review_quorum)]
    if rulebook.notes:
        parts += ["## Notes", "\n".join(f"- {note.strip()}" for note in rulebook.notes)]
    parts += ["## For a methods section", methods_paragraph(rulebook), "## References", _reference_list(rulebook)]
    return "\n\n".join(part for part in parts if part) + "\n"


def rulebook_pages(validation: pd.DataFrame | None = None) -> dict[str, str]:
    """Return every generated page by file name: one per shipped rulebook, and ``README.md`` with the overview.

    ``validation`` is as for `rulebook_page`.
    """
    rulebooks = [load_rulebook(rulebook_id) for rulebook_id in rulebook_ids()]
    pages = {f"{rulebook.id}.md": rulebook_page(rulebook, validation) for rulebook in rulebooks}
    rows = (
        (
            f"[{rulebook.id}]({rulebook.id}.md)",
            rulebook.title,
            ", ".join(rulebook.sources),
            "; ".join(criterion(rule) for rule in rulebook.rules) or "sessions, trials, regions",
        )
        for rulebook in rulebooks
    )
    table = markdown_table(("rulebook", "what it is", "sources", "unit rules"), rows)
    intro = (
        "Which units, trials, sessions and regions are used, and why. Each page is generated from a file in "
        "`nh_platform/qc/rules/rulebooks/`; `nh qc diff OLD NEW` shows what a change does."
    )
    pages["README.md"] = "\n\n".join(["# Rulebooks", _GENERATED, intro, table]) + "\n"
    return pages


def _label_text(rulebook: Rulebook) -> str:
    made = (
        f"The label is the share of the {len(rulebook.rules)} rules that the unit passes; a unit with label 1 is good."
        if rulebook.label == "thirds"
        else "The label is 1 where the unit passes every rule and 0 elsewhere; a unit with label 1 is good."
    )
    return f"{made} Values are read as {rulebook.use} unless a rule says otherwise."


def _rule_table(rulebook: Rulebook) -> str:
    rows = []
    for bit, rule in enumerate(rulebook.rules):
        severity = f"{rule.severity}, below {rule.warn_below:.0%} of a session"
        rows.append((1 << bit, f"`{rule.id}`", criterion(rule), rule.nan, severity, rule.since))
    return markdown_table(("bit", "rule", "criterion", "NaN", "severity", "since"), rows)


def _rule_section(rulebook: Rulebook, rule: Rule, bit: int) -> str:
    lines = [f"### {criterion(rule)}", rule.why.strip(), _definition(rule)]
    if rule.in_place is not None:
        lines += ["Where that has no value, the fallback judges:", _definition(rule.in_place)]
    neither = "" if rule.in_place is None else ", of the fallback too,"
    facts = [
        f"- A value that is not available (NaN){neither} {_NAN[rule.nan]}.",
        f"- Bit {1 << bit} of `failed.{rulebook.id}`; column `rule.{rulebook.id}.{rule.id}`; check `{rule.id}`.",
    ]
    if rule.metric_unit and rule.metric_unit != rule.unit:
        converted = f"{shown_unit(rule.unit)}; values are in {rule.metric_unit}"
        facts.append(f"- The threshold is stated in {converted}, and is converted exactly before comparing.")
    if rule.references:
        facts.append(f"- {_linked(rule.references)}")
    return "\n\n".join([*lines, "\n".join(facts), _history(rulebook, rule)])


def _history(rulebook: Rulebook, rule: Rule | SessionRule) -> str:
    """Return who changed a rule, when, why and to what effect, or that no change is recorded."""
    entries = rule_history(rulebook, rule.id)
    if not entries:
        return f"History: in the rulebook since {rule.since}; no change is recorded."
    rows = (
        (entry.date, entry.who, entry.what, " ".join([entry.why, _links(entry.references)]).strip(), entry.effect)
        for entry in entries
    )
    return f"History:\n\n{markdown_table(('date', 'who', 'what changed', 'why', 'effect'), rows)}"


def _definition(rule: Rule) -> str:
    found = quantity(rule.metric)
    if isinstance(found, Quantity):
        read = "No pass over the spikes computes it: it is read where it is stated."
        return f"`{found.id}`: {found.meaning}. {read} Source: {found.source}."
    unit = f" in {shown_unit(found.unit)}" if shown_unit(found.unit) else ""
    facts = f"- Formula: {found.formula}\n- Edge cases: {found.edge_cases}\n- Source: {found.source}"
    return f"`{found.id}`{unit}: {found.meaning}\n\n{facts}"


def _column_section(rulebook: Rulebook) -> list[str]:
    if not rulebook.columns:
        return []
    rows = [
        (f"`{metric}`", order, f"`{source.column}`", _stands(source), source.why.strip())
        for metric, sources in rulebook.columns.items()
        for order, source in enumerate(sources, start=1)
    ]
    head = ("metric", "preference", "released column", "how it stands for it", "why")
    intro = (
        "The first of a metric's columns that a table has is read; in the platform's tables under `released.<name>`."
    )
    return ["### Which released columns stand for which metric", intro, markdown_table(head, rows)]


def _stands(source: ColumnSource) -> str:
    match source.kind:
        case "verdict":
            return f"outcome of the rule itself, {source.passes} passes"
        case "present":
            return "yes where it is not null"
        case "nonzero":
            return "yes where it is not 0 (units table of the platform)"
        case _:
            unit = shown_unit(source.unit)
            stated = f"value in {unit}" if unit else "value"
            size = ", its size" * source.absolute
            return f"{stated}{size}" + " (tables of other tools alone)" * (source.table == "other")


def _session_table(rules: list[SessionRule]) -> str:
    rows = []
    for rule in rules:
        wanted = f"{field_name(rule)} {bound(rule.comparison, rule.threshold, rule.unit)}"
        settled = f"as {listed(f'`{name}`' for name in rule.settled_by)}, else " if rule.settled_by else ""
        unless = f"`{rule.unless.field}` is {rule.unless.equals}" if rule.unless else ""
        rows.append((f"`{rule.id}`", rule.scope, wanted, f"{settled}{rule.nan}", unless, rule.why.strip()))
    return markdown_table(("rule", "scope", "criterion", "not available", "unless", "why"), rows)


def _mask_list(mask: TrialMask) -> str:
    lines = [
        f"- {mask.reaction_time_min_s:g} s ≤ `firstMovement_times - stimOn_times` ≤ {mask.reaction_time_max_s:g} s",
        f"- not NaN: {', '.join(f'`{name}`' for name in mask.not_nan)}",
    ]
    if mask.trial_length_min_s is not None:
        lines.append(f"- `feedback_times - goCue_times` ≥ {mask.trial_length_min_s:g} s")
    if mask.trial_length_max_s is not None:
        lines.append(f"- `feedback_times - goCue_times` ≤ {mask.trial_length_max_s:g} s")
    if mask.exclude_unbiased:
        lines.append("- not in the unbiased block (`probabilityLeft` 0.5)")
    if mask.exclude_nochoice:
        lines.append("- the animal responded (`choice` is not 0)")
    return "\n".join(lines)


def _linked(keys: Iterable[str]) -> str:
    return f"References: {_links(keys)}."


def _links(keys: Iterable[str]) -> str:
    found = [(bibliography()[key].short, link(bibliography()[key])) for key in keys]
    return "; ".join(f"[{short}]({address})" for short, address in found)


def _reference_list(rulebook: Rulebook) -> str:
    lines = []
    for key in cited(rulebook):
        reference = bibliography()[key]
        where = ", ".join(part for part in (reference.journal, reference.volume, reference.pages) if part)
        year = f" ({reference.year})" if reference.year else ""
        author = reference.author.replace("{", "").replace("}", "").replace(" and ", "; ")
        lines.append(f"- {author}{year}. {reference.title}. {where + '. ' if where else ''}<{link(reference)}>")
    return "\n".join(lines)
