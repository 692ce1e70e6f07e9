"""What lists say of sessions that are set aside, beside files of reviews that are none."""

from __future__ import annotations

import os
from pathlib import Path

from nh_platform.home.set_aside import set_aside_words
from nh_platform.home.settings import load_settings

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
