"""A browser and a page of a session for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nh_platform.reports.session_page.rendering import render_session_page
from nh_platform_tests.browser.reviewer import Reviewer
from nh_platform_tests.made_pages import BOOK, made_page
from nh_platform_tests.services.servers import chromium

N_UNITS = 240


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="session")
def usual_page() -> str:
    """Return the page of `made_page`, as HTML."""
    return render_session_page(made_page(N_UNITS))


@pytest.fixture
def page(browser: Any, usual_page: str, tmp_path: Path) -> Reviewer:
    """Open the usual page."""
    reviewer = Reviewer(browser, tmp_path)
    reviewer.open(usual_page)
    return reviewer


@pytest.fixture
def fits() -> Callable[[str], list[int]]:
    """Return the rows of the usual page for which a pandas expression holds, to compare the page's filters with."""
    table = made_page(N_UNITS).units
    table = table.rename(columns={f"pass.{BOOK}": "good"})
    return lambda expression: [int(row) for row in table.index[table.eval(expression)]]
