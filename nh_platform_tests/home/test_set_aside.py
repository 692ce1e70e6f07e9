"""What lists and choices of sessions make of those that are set aside, beside files of reviews that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nh_platform.home.platform import Platform
from nh_platform.home.set_aside import SessionsInUse, sessions_in_use, set_aside_words
from nh_platform.home.settings import load_settings
from nh_platform.session import UnknownSession
from nh_platform_tests.homes import set_aside

REVIEW = (
    "source: ibl\nsession: s1\nreviews:\n"
    "  - {whole_session: true, decision: fail, reason: seizures, reviewer: ada, date: 2026-01-01}\n"
)


def test_a_pipe_or_folder_among_the_reviews_is_passed_by(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream}\n")
    settings = load_settings(tmp_path)
    folder = settings.reviews / "ibl"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "pipe.yaml")
    (folder / "folder.yaml").mkdir()
    (folder / "loop.yaml").symlink_to(folder / "loop.yaml")
    (folder / "bytes.yaml").write_bytes(b"\xff whole_session")
    (folder / "s1.yaml").write_text(REVIEW)
    assert set_aside_words(settings, "ibl", "2026-06-01") == {"s1": "set aside proposed by ada, 1 of 2"}


def test_sessions_that_are_set_aside_are_used_where_they_are_named_or_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream}\n")
    platform, words = Platform(load_settings(tmp_path)), "set aside by ada, bea: seizures"
    set_aside(platform.settings.reviews, "ibl", "s2")

    def used(*ids: str, are_named: bool = False, with_set_aside: bool = False) -> SessionsInUse:
        return sessions_in_use(platform, "ibl", ids, are_named=are_named, with_set_aside=with_set_aside)

    assert used("s3", "s2", "s1") == SessionsInUse(("s3", "s1"), left_out={"s2": words})
    assert used("s1", "s2", with_set_aside=True) == SessionsInUse(("s1", "s2"), noted={"s2": words})
    assert used("s2", are_named=True) == SessionsInUse(("s2",), noted={"s2": words})
    assert used() == SessionsInUse(())
    with pytest.raises(UnknownSession, match="set aside 1 session, and no other is stored; s2: set aside by ada, bea"):
        used("s2")
