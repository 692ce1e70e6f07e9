"""A record of a run is one line of JSON, whatever its text holds."""

from __future__ import annotations

import json
import logging

import pytest

from nh_platform.defs.run_logs.log_lines import JsonLines


@pytest.mark.parametrize("odd", ["\n", "\r", "\x85", "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x1b[2J", "\ud800"])
def test_no_text_ends_the_line_or_forges_another(odd: str) -> None:
    text = f'session{odd}{{"level": "error", "session": "forged"}} of 3 µV'
    line = JsonLines().format(logging.makeLogRecord({"msg": text, "levelname": "INFO"}))
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode()  # a lone surrogate, of a file name that is no UTF-8, was refused by the stream
    assert json.loads(line)["message"] == text
