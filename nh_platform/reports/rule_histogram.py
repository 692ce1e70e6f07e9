"""The figure of one rule in one session: how its values are spread over the units, and where the threshold lies.

Contains the drawing alone, as SVG whose bytes depend on the numbers only. Counts come from
`nh_platform.qc.rules.rule_summary`. Matplotlib draws the validation's figures; here it would cost 0.3 s for every rule
of every session.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

from nh_platform.qc.rules.quantities import quantity, shown_number, shown_unit
from nh_platform.qc.rules.rule_summary import RuleSummary
from nh_platform.qc.rules.rulebook_model import HOLDS, Rule

_WIDTH, _HEIGHT = 460, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 30, 44
_PASS, _FAIL, _INK, _GRID = "#0072b2", "#d55e00", "#1b1f24", "#d1d9e0"
"""Okabe and Ito's blue and vermilion, which the colour-blind tell apart; failing bars are hatched as well."""
_MOST_TICKS = 6
_STEPS = (1.0, 2.0, 5.0, 10.0)


def rule_histogram(rule: Rule, summary: RuleSummary) -> str | None:
    """Return the figure of a rule as SVG; None where its values are no numbers, or no unit has one.

    Bars hold units by the rule's value, those beyond the 1st and 99th percentile in the outer bars. A dashed line with
    its number is the threshold, at the edge where it lies far from all values. A bar is drawn as failing where its
    middle fails the comparison.

    Parameters
    ----------
    rule
        The rule; its value is in the unit of measure of the threshold.
    summary
        Counts of the session's units.
    """
    if not summary.counts or max(summary.counts) == 0 or not _is_number(rule):
        return None
    unit, name = shown_unit(rule.unit), quantity(rule.metric).name
    threshold = float(rule.threshold)  # type: ignore[arg-type]
    low, high = summary.edges[0], summary.edges[-1]
    is_far = not low - (high - low) <= threshold <= high + (high - low)
    if not is_far:
        low, high = min(low, threshold), max(high, threshold)
    span = (high - low) or 1.0
    top = max(summary.counts)
    x_at = _scale(low, low + span, _LEFT, _WIDTH - _RIGHT)
    y_at = _scale(0, top, _HEIGHT - _BOTTOM, _TOP)
    label = f"{name} [{unit}]" if unit else name
    described = (
        f"{summary.criterion}: {summary.n_pass} units pass, {summary.n_fail} fail, {summary.n_nan} have no value"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" role="img" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="11" fill="{_INK}">',
        f"<title>{escape(described)}</title>",
        f'<defs><pattern id="fails" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="5" height="5" fill="{_FAIL}" fill-opacity=".45"/><rect width="2" height="5" fill="{_FAIL}"/>'
        "</pattern></defs>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
    ]
    for tick in _ticks(0, top, whole=True):
        y = y_at(tick)
        parts.append(f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}" stroke="{_GRID}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for count, left, right in zip(summary.counts, summary.edges[:-1], summary.edges[1:]):
        passes = _holds(rule, (left + right) / 2)
        x0, x1, y = x_at(left), max(x_at(right) - 1, x_at(left) + 0.5), y_at(count)
        fill = _PASS if passes else "url(#fails)"
        parts.append(f'<rect x="{x0:.1f}" y="{y:.1f}" width="{x1 - x0:.1f}" height="{y_at(0) - y:.1f}" fill="{fill}"/>')
    parts.append(f'<path d="M{_LEFT} {y_at(0):.1f}H{_WIDTH - _RIGHT}" stroke="{_INK}"/>')
    for tick in _ticks(low, low + span):
        parts.append(f'<path d="M{x_at(tick):.1f} {y_at(0):.1f}v4" stroke="{_INK}"/>')
        parts.append(f'<text x="{x_at(tick):.1f}" y="{y_at(0) + 16:.1f}" text-anchor="middle">{_text(tick)}</text>')
    x = x_at(min(max(threshold, low), low + span))
    anchor = "end" if x > _WIDTH / 2 else "start"
    beyond = f", far {'below' if threshold < low else 'above'}" if is_far else ""
    shown = f"{shown_number(threshold, 4)}{f' {unit}' if unit else ''}{beyond}"
    parts += [
        f'<path d="M{x:.1f} {_TOP - 8}V{y_at(0):.1f}" stroke="{_INK}" stroke-width="1.5" stroke-dasharray="4 3"/>',
        f'<text x="{x + (5 if anchor == "start" else -5):.1f}" y="{_TOP - 10}" text-anchor="{anchor}">'
        f"threshold {escape(shown)}</text>",
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2:.0f}" y="{_HEIGHT - 10}" text-anchor="middle">{escape(label)}</text>',
        f'<text transform="translate(14 {(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        "units</text>",
        "</svg>\n",
    ]
    return "\n".join(parts)


def _is_number(rule: Rule) -> bool:
    return isinstance(rule.threshold, int | float) and not isinstance(rule.threshold, bool)


def _holds(rule: Rule, value: float) -> bool:
    return bool(HOLDS[rule.comparison](value, rule.threshold))


def _scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    return lambda value: start + (value - low) / (high - low) * (stop - start)


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Return at most seven round numbers within a range."""
    rough = (high - low) / _MOST_TICKS
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(part * size for part in _STEPS if part * size >= rough * (1 - 1e-9))
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _text(value: float) -> str:
    return f"{0.0 if abs(value) < 1e-12 else value:.6g}"
