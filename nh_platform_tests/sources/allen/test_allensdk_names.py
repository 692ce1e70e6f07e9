"""The page of Allen's sources has a row for every name that AllenSDK lists of a session, and what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import nh_platform
from nh_platform.reading.session_view import SessionView
from nh_platform.session.tables.events import EVENTS
from nh_platform.sources.allen import AllenVisualBehaviorSource, sdk

PAGE = Path(nh_platform.__file__).parents[1] / "docs" / "allen.md"

ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


def table() -> dict[str, tuple[str, str]]:
    """Return where each name is, and the notes, from the page."""
    text = PAGE.read_text(encoding="utf-8").split("### What AllenSDK calls it")[1].split("\n### ")[0]
    return {name: (where, notes) for name, where, notes in ROW.findall(text)}


@pytest.mark.filterwarnings("ignore")
def test_every_name_that_allensdk_lists_has_a_row_and_no_row_is_of_another() -> None:
    sdk.restore_numpy_names()
    from allensdk.brain_observatory.ecephys.behavior_ecephys_session import BehaviorEcephysSession

    # The list is of the class; an instance without data needs no file.
    listed = BehaviorEcephysSession.__new__(BehaviorEcephysSession).list_data_attributes_and_methods()
    assert len(listed) > 20
    assert sorted(table()) == sorted(listed)


def test_what_is_not_here_says_why() -> None:
    assert {name for name, (where, notes) in table().items() if where == "no" and not notes} == set()


def test_what_the_rows_name_exists() -> None:
    text = " ".join(" ".join(row) for row in table().values())
    attributes = set(re.findall(r"`session\.(\w+)", text))
    assert len(attributes) > 10
    assert {name for name in attributes if not hasattr(SessionView, name)} == set()
    assert {
        name for name in re.findall(r"`source\.(\w+)", text) if not hasattr(AllenVisualBehaviorSource, name)
    } == set()
    assert set(re.findall(r'events\["(\w+)"\]', text)) <= set(EVENTS)
