"""The hash of a file and its cache."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from nh_platform.downloads.hashes import file_hash
from nh_platform.session import BadUpstreamData


def test_the_md5_is_that_of_the_bytes_with_and_without_a_cache(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.nwb", tmp_path / "cache"
    path.write_bytes(b"spikes" * 100_000)
    expected = hashlib.md5(b"spikes" * 100_000).hexdigest()
    assert file_hash(path) == file_hash(path, cache_dir=cache) == file_hash(path, cache_dir=cache) == expected
    assert len(list(cache.iterdir())) == 1


def test_a_known_file_is_not_read_again_and_a_changed_one_is(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.nwb", tmp_path / "cache"
    path.write_bytes(b"one")
    file_hash(path, cache_dir=cache)
    (entry,) = cache.iterdir()
    entry.write_text(entry.read_text().replace(hashlib.md5(b"one").hexdigest(), "remembered"))
    assert file_hash(path, cache_dir=cache) == "remembered"
    os.utime(path, ns=(1, 1))
    assert file_hash(path, cache_dir=cache) == hashlib.md5(b"one").hexdigest()


def test_a_damaged_entry_counts_as_none(tmp_path: Path) -> None:
    path, cache = tmp_path / "a.nwb", tmp_path / "cache"
    path.write_bytes(b"one")
    file_hash(path, cache_dir=cache)
    (entry,) = cache.iterdir()
    entry.write_text("{")
    assert file_hash(path, cache_dir=cache) == hashlib.md5(b"one").hexdigest()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadUpstreamData, match=r"file a\.nwb: it cannot be read"):
        file_hash(tmp_path / "a.nwb")
