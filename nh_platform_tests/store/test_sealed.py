"""A sealed record is read as it was written, or not at all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nh_platform.store.sealed import BrokenSeal, seal_json, seal_lines, unseal_json, unseal_lines

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
OBJECTS = st.dictionaries(TEXT.filter(lambda name: name != "blake3"), TEXT | st.integers() | st.lists(TEXT), min_size=1)
LINES = st.lists(st.from_regex(r"[a-zA-Z0-9 -]{1,20}", fullmatch=True), max_size=4)


@given(OBJECTS)
def test_an_object_comes_back_and_is_plain_json(content: dict[str, object]) -> None:
    sealed = seal_json(content)
    assert unseal_json(sealed) == content
    assert {name: value for name, value in json.loads(sealed).items() if name != "blake3"} == content


@given(LINES)
def test_lines_come_back(lines: list[str]) -> None:
    assert unseal_lines(seal_lines(lines)) == lines


@pytest.mark.parametrize(
    ("sealed", "unseal"), [(seal_json({"data_version": "0a"}), unseal_json), (seal_lines(["0a-2"]), unseal_lines)]
)
def test_every_flipped_bit_and_every_cut_is_refused(sealed: bytes, unseal) -> None:
    for bit in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(BrokenSeal, match="not those that were written"):
            unseal(bytes(damaged))
    for size in range(len(sealed)):
        with pytest.raises(BrokenSeal):
            unseal(sealed[:size])
    with pytest.raises(BrokenSeal):
        unseal(sealed + b"\n")


def test_an_empty_file_is_called_empty() -> None:
    with pytest.raises(BrokenSeal, match="it is empty"):
        unseal_json(b"")


def test_the_name_of_the_hash_is_not_free() -> None:
    with pytest.raises(ValueError, match="blake3"):
        seal_json({"blake3": "mine"})
