"""The filter's parser against an evaluation in Python: random expressions, with missing values, in one browser."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import made_page

pytestmark = pytest.mark.browser

N_UNITS, N_EXPRESSIONS = 40, 400
Test = Callable[[int], bool]
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
TABLE = pd.DataFrame(
    {
        "unit_id": [f"u{k}" for k in range(N_UNITS)],
        "depth": np.where(np.arange(N_UNITS) % 5 == 2, np.nan, np.arange(N_UNITS) % 7 - 2.5),
        "n_spikes": np.arange(N_UNITS) % 4,
        "place": pd.Series([["CA1", "VISp2/3", "a \"b\" c", None][k % 4] for k in range(N_UNITS)], dtype=object),
        "good": pd.array([[True, False, None][k % 3] for k in range(N_UNITS)], dtype="boolean"),
    }
)  # fmt: skip


def value(name: str, row: int) -> Any:
    found = TABLE[name].iloc[row]
    return None if pd.isna(found) else found


def made(draw: random.Random, depth: int) -> tuple[str, Test]:
    """Return an expression as it is written, and what it means."""
    kind = draw.choice(["leaf"] if depth == 0 else ["leaf", "and", "or", "not", "brackets"])
    if kind == "leaf":
        return leaf(draw)
    inner, test = made(draw, depth - 1)
    if kind == "brackets":
        return f"({inner})", test
    if kind == "not":
        return draw.choice([f"!({inner})", f"not ({inner})"]), lambda row: not test(row)
    other, also = made(draw, depth - 1)
    if kind == "and":
        return f"({inner}) {draw.choice(['&&', 'and', 'AND'])} ({other})", lambda row: test(row) and also(row)
    return f"({inner}) {draw.choice(['||', 'or'])} ({other})", lambda row: test(row) or also(row)


def leaf(draw: random.Random) -> tuple[str, Test]:
    kind = draw.choice(["number", "columns", "text", "contains", "in", "none", "bool", "bare"])
    if kind == "bare":
        return "good", lambda row: value("good", row) is not None and bool(value("good", row))
    if kind == "none":
        name = draw.choice(["depth", "place", "good"])
        if draw.random() < 0.5:
            return f"{name} == none", lambda row: value(name, row) is None
        return f"{name} != null", lambda row: value(name, row) is not None
    sign = draw.choice([*SIGNS, "!="])
    if kind == "number":
        name, limit = draw.choice(["depth", "n_spikes"]), draw.choice([-2.5, -1, 0, 0.5, 1e0, 3])
        return f"{name}{sign}{limit}", compared(sign, lambda row: value(name, row), lambda row: limit)
    if kind == "columns":
        return (
            f"depth {sign} n_spikes",
            compared(sign, lambda row: value("depth", row), lambda row: value("n_spikes", row)),
        )
    if kind == "bool":
        sign = draw.choice(["==", "!="])
        wanted = draw.choice([True, False])
        return (
            f"good {sign} {str(wanted).lower()}",
            compared(sign, lambda row: value("good", row), lambda row: wanted),
        )
    if kind == "contains":
        part = draw.choice(["ca", "2/3", '"', "zz"])
        quoted = "'" + part + "'"
        return f"place contains {quoted}", lambda row: part in str(value("place", row) or "").lower()
    written = {"CA1": ["CA1", '"ca1"', "'CA1'"], "VISp2/3": ["VISp2/3", "visp2/3"], 'a "b" c': [r'"a \"b\" c"']}
    if kind == "in":
        chosen = draw.sample([*written], 2)
        told = ", ".join(draw.choice(written[one]) for one in chosen)
        return f"place in ({told})", lambda row: value("place", row) in chosen
    one = draw.choice([*written])
    sign = draw.choice(["==", "!="])
    return f"place {sign} {draw.choice(written[one])}", compared(sign, lambda row: value("place", row), lambda row: one)


def compared(sign: str, left: Callable[[int], Any], right: Callable[[int], Any]) -> Test:
    """Hold two values against each other; where one is missing, all but ``!=`` are false."""

    def holds(row: int, test: Callable[[Any, Any], bool]) -> bool:
        a, b = left(row), right(row)
        return a is not None and b is not None and bool(test(a, b))

    if sign == "!=":
        return lambda row: not holds(row, SIGNS["=="])
    return lambda row: holds(row, SIGNS[sign])


def test_expressions_mean_in_the_page_what_they_mean_in_python(page: Reviewer) -> None:
    page.open(render_session_page(made_page(N_UNITS, units=TABLE, unit_charts=[], rules=[], reviews=[], pairs=[])))
    draw = random.Random(7)
    cases = [made(draw, draw.randrange(4)) for _ in range(N_EXPRESSIONS)]
    found = page.run(
        """
        const units = nhPage.units, all = Array.from({length: units.n}, (_, row) => row);
        return arguments[0].map((text) => {
          const {test} = nhFilter(text, (name) => units.column(name), units.names);
          return all.filter((row) => test(row));
        });
        """,
        [text for text, _ in cases],
    )
    wrong = {
        text: (rows, meant)
        for (text, test), rows in zip(cases, found, strict=True)
        if rows != (meant := [row for row in range(N_UNITS) if test(row)])
    }
    assert wrong == {}


def test_any_text_is_a_filter_or_is_told_in_words(page: Reviewer) -> None:
    draw = random.Random(11)
    parts = [
        "depth",
        "pass",
        "==",
        "<",
        "&&",
        "(",
        ")",
        "!",
        "none",
        "in",
        "contains",
        ",",
        "1e5",
        "'a",
        '"',
        "`",
        "\\",
        "ß",
        "|",
    ]
    texts = [
        "".join(draw.choice(parts) + draw.choice(["", " "]) for _ in range(draw.randrange(1, 9))) for _ in range(500)
    ]
    odd = page.run(
        """
        const units = nhPage.units;
        return arguments[0].filter((text) => {
          try { nhFilter(text, (name) => units.column(name), units.names).test(0); return false; }
          catch (wrong) { return !(wrong instanceof NhFilterError) || !/[.?]$/.test(wrong.message); }
        });
        """,
        texts,
    )
    assert odd == []
