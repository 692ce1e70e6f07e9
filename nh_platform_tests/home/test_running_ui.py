"""The file in which `nh ui` says that it runs is believed only as long as its process is there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nh_platform.home.running_ui import RunningUi, read_running_ui, remove_running_ui, write_running_ui
from nh_platform.store.processes import process_name

ADDRESS = "http://127.0.0.1:3000"


def test_what_runs_is_read_back_until_it_is_taken_back(tmp_path: Path) -> None:
    assert read_running_ui(tmp_path) is None
    written = write_running_ui(tmp_path, ADDRESS)
    assert written == RunningUi(address=ADDRESS, process=process_name())
    assert json.loads((tmp_path / "dagster" / "ui.json").read_text()) == {"address": ADDRESS, "process": process_name()}
    assert read_running_ui(tmp_path) == written
    remove_running_ui(tmp_path)
    remove_running_ui(tmp_path)
    assert read_running_ui(tmp_path) is None


def test_a_page_whose_process_was_killed_is_none(tmp_path: Path) -> None:
    program = (
        "import os, sys, pathlib; from nh_platform.home.running_ui import write_running_ui; "
        f"write_running_ui(pathlib.Path(sys.argv[1]), {ADDRESS!r}); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == -9
    assert (tmp_path / "dagster" / "ui.json").exists()
    assert read_running_ui(tmp_path) is None


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"address": "http://127.0.0.1:1"}', '{"address": "a", "process": "elsewhere-1-2"}']
)
def test_a_damaged_file_and_one_of_another_machine_say_nothing(tmp_path: Path, content: str) -> None:
    path = tmp_path / "dagster" / "ui.json"
    path.parent.mkdir()
    path.write_text(content)
    assert read_running_ui(tmp_path) is None
