"""The table of units of a session's page: what is sorted, filtered and shown of every unit.

Contains the columns by which the page knows things (`nh_platform.reports.session_page.content.SessionPage`), and their
words. Add a column here when one more thing is said of every unit. Nothing is judged here: verdicts are those that are
stored.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from nh_platform.qc.released_agreement import units_agree
from nh_platform.qc.reviews.review_decisions import UnitReview, unit_reviews
from nh_platform.qc.rules.quantities import after_number, quantity, shown_number, shown_unit
from nh_platform.qc.rules.rule_summary import criterion
from nh_platform.qc.rules.rulebook_model import Rule, Rulebook
from nh_platform.qc.rules.verdicts import Verdicts, apply_rulebook, in_rule_unit, is_numeric
from nh_platform.qc.signal_to_noise import SNR, signal_to_noise
from nh_platform.reports.session_page.content import MetricPair, RuleWords
from nh_platform.reports.session_page.material import PageMaterial
from nh_platform.session.tables.cell_types import OPTOTAGGED, WAVEFORM_TYPE
from nh_platform.session.tables.units import CURATED_PREFIX, UNITS
from nh_platform.session.units_of_measure import UV_PER_V

_PLACE = ("unit_id", "probe", "cluster_id", "acronym", "beryl", "cosmos", "depth", "n_spikes")


@dataclass(frozen=True)
class UnitRows:
    """The table and what the page needs to read it.

    Parameters
    ----------
    table
        One row per unit in the order of the store.
    words
        Unit of measure and meaning of each of its columns.
    rules
        Rules of the active rulebook.
    pairs
        Numbers that are both released and recomputed.
    shown
        Columns that are shown at first.
    """

    table: pd.DataFrame
    words: dict[str, tuple[str, str]]
    rules: tuple[RuleWords, ...]
    pairs: tuple[MetricPair, ...]
    shown: tuple[str, ...]


def unit_rows(material: PageMaterial, rates_hz: npt.NDArray[np.float64]) -> UnitRows:
    """Return the units of a session as its page shows them.

    Parameters
    ----------
    material
        Of the session.
    rates_hz
        (n_units,) spikes per second of the probe's time.
    """
    units, book = material.units, material.rulebooks[0]
    words = {column.name: (shown_unit(column.unit), column.meaning) for column in UNITS.columns}
    columns: dict[str, object] = {name: units[name] for name in _PLACE}
    columns["rate"] = rates_hz
    words["rate"] = ("Hz", "Spikes per second between the first and the last spike of the probe")
    words["depth"] = ("µm", words["depth"][1])
    for one in material.rulebooks:
        columns |= _judged(units, one, words)
    rules = []
    verdicts = apply_rulebook(units, book, missing="nan")
    for place, rule in enumerate(book.rules):
        name = f"value.{rule.id}"
        columns[name] = _values(verdicts, place, rule)
        words[name] = (
            shown_unit(rule.unit),
            f"What the rule {rule.id} was held against: {quantity(rule.metric).meaning}",
        )
        fallback = ""
        if rule.in_place is not None:
            columns[fallback := f"fallback.{rule.id}"] = _by_fallback(verdicts, place, rule.in_place)
            words[fallback] = ("", f"What the fallback of {rule.id} found, where it judges the unit")
        rules.append(_rule_words(rule, name, fallback))
    columns |= _reviewed(material, book, words)
    columns |= _metrics(material, words)
    columns |= _on_request(material, words)
    pairs = _pairs(material, columns, words)
    columns |= _upstream(material, book, columns, words)
    columns |= _cell_types(units, words)
    for name in map(str, units.columns):
        if name.startswith(CURATED_PREFIX):
            columns[name] = units[name]
            words[name] = ("", f"Label of another curator: {name.removeprefix(CURATED_PREFIX)}")
    table = pd.DataFrame(columns, index=units.index).reset_index(drop=True)
    known = {name: words.get(name, ("", "")) for name in map(str, table.columns)}
    return UnitRows(table, known, tuple(rules), tuple(pairs), _shown(table, book))


def _judged(units: pd.DataFrame, book: Rulebook, words: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Return what a rulebook made of every unit, as it is stored."""
    of_rules = [f"rule.{book.id}.{rule.id}" for rule in book.rules]
    named = [f"{word}.{book.id}" for word in ("pass", "label", "reason")]
    for name, meaning in zip(named, ("Good by", "Label of", "Why it fails")):
        words[name] = ("", f"{meaning} {book.id}: {book.title}")
    for name, rule in zip(of_rules, book.rules):
        words[name] = ("", f"Whether it passes {criterion(rule)} ({book.id})")
    words[n_failed := f"n_failed.{book.id}"] = ("1", f"Rules of {book.id} that it fails")
    failed = (~units[of_rules].astype(bool)).sum(axis=1) if of_rules else pd.Series(0, index=units.index)
    return {name: units[name] for name in (*named, *of_rules)} | {n_failed: failed}


def _values(verdicts: Verdicts, place: int, rule: Rule) -> object:
    """Return what a rule was held against: numbers in the rule's unit of measure, else texts."""
    values = verdicts.values[place]
    if is_numeric(values):
        return np.where(values.missing, np.nan, in_rule_unit(rule, values))
    is_outcome = values.source is not None and values.source.kind == "verdict"
    before = f"{values.column} is " if is_outcome else ""  # another column's outcome, no value of this quantity
    texts = [None if gone else before + _text(value) for gone, value in zip(values.missing, values.values.tolist())]
    return pd.Series(texts, index=verdicts.index, dtype=object)


def _by_fallback(verdicts: Verdicts, place: int, rule: Rule) -> object:
    """Return the value of a fallback with what it asks for, in words; None where the rule's own metric judges."""
    values, judges = verdicts.values[place].fallback, verdicts.values[place].in_place
    if values is None or judges is None:
        return pd.Series(None, index=verdicts.index, dtype=object)
    name = quantity(rule.metric).name
    asked = criterion(rule).removeprefix(name).strip()
    found = in_rule_unit(rule, values).tolist() if is_numeric(values) else values.values.tolist()
    unit = after_number(rule.unit) if is_numeric(values) else ""
    texts = [f"{name} {_text(value)}{unit}, asked {asked}" if by else None for by, value in zip(judges, found)]
    return pd.Series(texts, index=verdicts.index, dtype=object)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown_number(value, 6) if isinstance(value, float) else str(value)


def _rule_words(rule: Rule, column: str, fallback: str) -> RuleWords:
    number = isinstance(rule.threshold, int | float) and not isinstance(rule.threshold, bool)
    return RuleWords(
        id=rule.id,
        metric=rule.metric,
        comparison=rule.comparison,
        threshold=float(rule.threshold) if number else None,  # type: ignore[arg-type]
        unit=shown_unit(rule.unit),
        criterion=criterion(rule),
        why=rule.why.strip(),
        value_column=column,
        fallback_column=fallback,
        left_out_without_value=rule.nan == "ignore",
    )


def _reviewed(material: PageMaterial, book: Rulebook, words: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Return what people decided of every unit, and whether they agree."""
    found = unit_reviews(material.reviews, book, material.today)
    outcomes = [found.get(str(unit)) for unit in material.units["unit_id"]]
    words["review_state"] = ("", "State of its reviews: counted, pending, conflict or expired; empty without any")
    words["review_text"] = ("", "What its reviews come to, in words")
    words["reviewers_disagree"] = ("", "Whether reviewers decided differently")
    return {
        "review": material.units["review"],
        "review_state": pd.Series([None if one is None else one.state for one in outcomes], dtype=object).to_numpy(),
        "review_text": pd.Series([None if one is None else _outcome(one) for one in outcomes], dtype=object).to_numpy(),
        "reviewers_disagree": np.array([one is not None and one.state == "conflict" for one in outcomes], dtype=bool),
    }


def _outcome(outcome: UnitReview) -> str:
    """Return what reviews come to without the day of today, which is no part of the page's version."""
    return outcome.text.split(": ", 1)[-1] if outcome.state == "expired" else outcome.text


def _metrics(material: PageMaterial, words: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Return released and recomputed metrics; volts as µV."""
    columns: dict[str, object] = {}
    for name in map(str, material.units.columns):
        meaning = material.meanings(name)
        if meaning is None and not name.startswith("released."):
            continue
        unit, text = meaning or ("", "As the release states it")
        values = material.units[name]
        if unit == "V" and pd.api.types.is_numeric_dtype(values.dtype):
            values, unit = values.astype(np.float64) * UV_PER_V, "uV"
        columns[name] = values
        words[name] = (shown_unit(unit), text)
    return columns


def _on_request(material: PageMaterial, words: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Return what is computed of assets made on request and a rulebook names: shown, and judged by nobody."""
    named = {metric for book in material.rulebooks for rule in book.rules for metric in rule.metrics}
    if SNR not in named or SNR in material.units or material.waveforms is None or material.noise is None:
        return {}
    found = signal_to_noise(material.waveforms, material.noise, material.units["probe"].astype(str).tolist())
    words[SNR] = ("1", f"{quantity(SNR).meaning}. Shown, not judged: units never wait for what is made on request")
    return {SNR: found.reindex(material.units["unit_id"].astype(str)).to_numpy()}


def _pairs(material: PageMaterial, columns: dict[str, object], words: dict[str, tuple[str, str]]) -> list[MetricPair]:
    """Add to the columns whether released and recomputed values agree; return which columns stand for each other."""
    pairs = []
    differing = np.zeros(len(material.units), dtype=bool)
    for counterpart, agrees in units_agree(material.units, material.counterparts).items():
        released, name = f"released.{counterpart.column}", f"agrees.{counterpart.column}"
        columns[name] = agrees
        words[name] = ("", f"Whether the released and the recomputed {counterpart.column} agree")
        differing |= (agrees == False).fillna(False).to_numpy(dtype=bool)  # noqa: E712 - three-valued
        unit = words[counterpart.definition][0]
        pairs.append(MetricPair(counterpart.column, unit, released, counterpart.definition, name))
    columns["released_disagrees"] = differing
    words["released_disagrees"] = ("", "Whether a released and a recomputed value differ beyond tolerance")
    return pairs


def _upstream(
    material: PageMaterial, book: Rulebook, columns: dict[str, object], words: dict[str, tuple[str, str]]
) -> dict[str, object]:
    """Return the release's own judgement of every unit, where it has one, and whether ours is another."""
    if material.upstream_label is None or f"released.{material.upstream_label.column}" not in material.units:
        return {}
    name, good = material.upstream_label.column, material.upstream_label.good
    stated = material.units[f"released.{name}"]
    known = stated.notna()
    is_good = (stated == good).astype("boolean").where(known)
    texts = [_text(value) if has else None for has, value in zip(known, stated.tolist())]
    words["upstream_label"] = ("", f"The release's own judgement, its column {name}; {good} is a good unit")
    words["upstream_disagrees"] = ("", f"Whether the release's judgement and the verdict of {book.id} differ")
    passed = material.units[f"pass.{book.id}"].astype("boolean")
    return {
        "upstream_label": pd.Series(texts, index=stated.index, dtype=object),
        "upstream_disagrees": is_good != passed,
    }


def _cell_types(units: pd.DataFrame, words: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Return the cell type of every unit, under names that a filter takes as they are."""
    columns: dict[str, object] = {}
    if WAVEFORM_TYPE.name in units:
        columns["waveform_type"] = units[WAVEFORM_TYPE.name]
        words["waveform_type"] = ("", f"{WAVEFORM_TYPE.name}: {WAVEFORM_TYPE.meaning}")
    if OPTOTAGGED.name in units:
        tagged = units[OPTOTAGGED.name]
        columns["optotagged"] = (tagged == 1).astype("boolean").where(tagged.notna())
        words["optotagged"] = ("", f"{OPTOTAGGED.name}: {OPTOTAGGED.meaning}")
    return columns


def _shown(table: pd.DataFrame, book: Rulebook) -> tuple[str, ...]:
    """Return the columns that are shown at first: who, the verdict, where, what, values of rules, reviews.

    The verdict stands near the left: further right it was cut on windows of 1,300 px.
    """
    region = "beryl" if table["beryl"].notna().any() else "acronym"
    first = ("probe", "cluster_id", f"pass.{book.id}", region, "depth", "n_spikes", "rate")
    last = ("upstream_label", "review_state")
    types = (name for name in ("waveform_type", "optotagged") if name in table and table[name].notna().any())
    wanted = (*first, *types, *(f"value.{rule.id}" for rule in book.rules), *last)
    return tuple(name for name in wanted if name in table)
