"""Texts are what they were once they are unpacked, also those of other versions."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.defs.packed_events import packed_text
from nh_platform.defs.packed_events.packed_text import PACKED_FROM, packed, unpacked

RECORD = '{"__class__": "EventLogEntry", "message": "%s"}'


@settings(deadline=None)
@given(st.text())
def test_a_record_of_any_text_comes_back(text: str) -> None:
    record = json.dumps({"__class__": "EventLogEntry", "message": text * 20}, ensure_ascii=False)
    assert unpacked(packed(record)) == record
    assert unpacked(packed(text)) == text


def test_what_sql_compares_stays_as_it_is() -> None:
    for text in ("", '["ibl", "units"]', "x" * 10_000, RECORD % "short"):
        assert packed(text) is text
    assert isinstance(packed(RECORD % ("x" * PACKED_FROM)), bytes)


def test_events_of_dagster_take_a_seventh() -> None:
    """The words are those of its events: a file that lost them would take a third."""
    event = packed_text._words(1).decode().splitlines()[0].replace("unit_embeddings", "windows").replace("24", "77")
    assert len(event) > 4000
    assert len(packed(event)) < len(event) / 20


def test_the_words_never_change() -> None:
    """What people have stored is unpacked by them: add another file in their place."""
    words = Path(packed_text.__file__).with_name("words_1.txt").read_bytes()
    assert hashlib.sha256(words).hexdigest() == "e367e290e797675adce25b1d3e91779d2278af9ee0ac8558752b44c88c9d3101"


@pytest.mark.parametrize("stored", [b"", b"\x09later", packed(RECORD % ("x" * 300))[:-1] + b"?"])
def test_what_cannot_be_read_says_so(stored: bytes) -> None:
    with pytest.raises(ValueError, match="damaged, or of a later version of nh-platform"):
        unpacked(stored)
