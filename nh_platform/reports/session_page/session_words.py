"""What the page of a session says about it in words: facts, verdicts, links, notes.

Contains the words alone; what they are made of is in `nh_platform.reports.session_page.material`. Add here what is said
of the session as a whole. Nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nh_platform.qc.reviews.review_decisions import session_review
from nh_platform.qc.rules.rulebook_model import Rulebook, SessionRule
from nh_platform.qc.rules.session_rules import RuleOutcome, SessionVerdict, session_criterion
from nh_platform.reports.session_page.material import PageMaterial


def facts(material: PageMaterial) -> list[tuple[str, str]]:
    """Return name and value of what is known of the session; what is not known is left out."""
    session, recording = material.session, material.recording
    recorded, units, book = recording.spikes.recorded_time, material.units, material.rulebooks[0]
    good = int(units[f"pass.{book.id}"].sum())
    stated = [
        ("release of", material.source_title),
        ("subject", session.subject),
        ("lab", session.lab),
        ("date", session.date),
        ("number on that day", str(session.number) if session.number > 1 else ""),
        ("task", session.task_protocol),
        ("projects", session.projects.replace(",", ", ")),
        ("first release", material.release),
        ("insertions", _listed(_insertion(row) for row in recording.probes.to_dict("records"))),
        ("recorded", f"{recorded.start:.1f} to {recorded.stop:.1f} s" if recorded.duration_s else ""),
        ("units", f"{len(units)}, {good} good by {book.id}"),
        ("spikes", f"{len(recording.spikes.times):,}"),
    ]
    return [(name, value) for name, value in stated if value]


def _insertion(row: Mapping[str, Any]) -> str:
    """Return name, collection, revision and sorter of an insertion."""
    known = {name: value for name, value in row.items() if isinstance(value, str) and value}
    parts = [f"revision {known['revision']}"] if "revision" in known else []
    parts += [f"sorted by {known['sorter']}"] if "sorter" in known else []
    return f"{row['probe']}{' (' + ', '.join(parts) + ')' if parts else ''}"


def verdict_rows(material: PageMaterial) -> list[dict[str, Any]]:
    """Return the rules about the session and its insertions, each with its outcome and the reason.

    Returns
    -------
    list
        ``about`` (the session or a probe), ``rulebook``, ``rule``, ``passed`` (None where it is not known), ``text``.
    """
    rows: list[dict[str, Any]] = []
    for book, inclusion in material.inclusions:
        rows += _rows_of("session", book, inclusion.verdict)
        for probe, verdict in inclusion.probes.items():
            rows += _rows_of(probe, book, verdict)
    return rows


def _rows_of(about: str, book: Rulebook, verdict: SessionVerdict) -> list[dict[str, Any]]:
    by_id = {rule.id: rule for rule in book.session if rule.scope == verdict.scope}
    rows = []
    for outcome in verdict.outcomes:
        rule = by_id[outcome.rule]
        known = outcome.value is not None or bool(outcome.settled_by)
        passed = outcome.passed if known or not outcome.passed else None
        text = f"{session_criterion(rule)}: {_outcome_words(rule, outcome)}. {rule.why.strip()}"
        rows.append({"about": about, "rulebook": book.id, "rule": rule.id, "passed": passed, "text": text})
    return rows


def _outcome_words(rule: SessionRule, outcome: RuleOutcome) -> str:
    """Return why a rule fails, what it found, or what decides it where nothing was found."""
    if outcome.reason:
        return outcome.reason.removeprefix(f"{rule.id}: ")
    if outcome.value is not None:
        return f"found {_found(outcome.value)}"
    if outcome.settled_by:
        return f"not known, passes as {' and '.join(outcome.settled_by)}"
    return "not known counts as pass" if outcome.counted else "not known, not counted"


def _found(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def set_aside(material: PageMaterial) -> str:
    """Return that reviewers set the session aside and why, or who proposes it; empty where nobody does."""
    whole = session_review(material.reviews, material.rulebooks[0], material.today)
    return "" if whole is None else whole.set_aside


def notes(material: PageMaterial) -> list[str]:
    """Return what was missing, assumed or left out, by asset."""
    return [f"{asset}: {text}" for asset, texts in sorted(material.notes.items()) for text in texts]


def _listed(parts: Sequence[str] | Any) -> str:
    return ", ".join(parts)
