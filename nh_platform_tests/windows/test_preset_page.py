"""The page of the presets is up to date, names every preset, and its drawings say where a window lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.windows.presets.drawings import WIDTH, drawing
from nh_platform.windows.presets.preset_files import load_preset, named_preset, preset_ids
from nh_platform.windows.presets.preset_model import PresetFamily
from nh_platform.windows.presets.preset_page import preset_page

PAGE = Path(__file__).parents[2] / "docs" / "presets.md"
DRAWN = [one for one in preset_ids() if not isinstance(named_preset(one), PresetFamily)]


def test_the_page_in_docs_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == preset_page(), "run `nh qc docs`"


def test_every_preset_has_a_section() -> None:
    text = preset_page()
    assert [one for one in preset_ids() if f"\n## {one}\n" not in text] == []


@pytest.mark.parametrize("preset_id", DRAWN)
def test_a_drawing_fits_80_columns_and_names_every_part(preset_id: str) -> None:
    preset = load_preset(preset_id)
    lines = drawing(preset).splitlines()
    assert max(map(len, lines)) <= 80
    drawn = {line[WIDTH + 2 :].strip(): line for line in lines if line.strip()[:1] in "[^"}
    assert {*preset.parts, *preset.marks, "window"} <= drawn.keys()


def test_stretches_lie_where_they_are_and_a_moment_outside_of_the_window_is_drawn() -> None:
    lines = drawing(load_preset("bwm-block")).splitlines()  # from -0.4 to -0.1 s, and the event at 0 s
    assert lines[1].index(")") == pytest.approx(WIDTH * 3 / 4, abs=1)
    assert lines[2].index("^") == WIDTH
    assert lines[0].split() == ["-0.4", "s", "-0.1", "s", "0", "s"]
