"""A session that two reviewers set aside says so wherever a person looks, and comes back when one withdraws."""

from __future__ import annotations

import json
from pathlib import Path

from nh_platform import open_store
from nh_platform.assets.across_sessions.session_catalog import make, parameters
from nh_platform.home.platform import Platform
from nh_platform.home.set_aside import session_reviews
from nh_platform.home.settings import load_settings
from nh_platform.store.codecs.parquet import read_table
from nh_platform_tests.cli.commands import nh, rows

FAIL = ("--whole-session", "--decision", "fail", "--reason", "seizures")


def looked_at(home: Path, session: str) -> list[str]:
    """Return what `nh sessions`, `nh status`, `nh show` and the store say of a session."""
    listed = {row["session_id"]: row["set_aside"] for row in rows(nh(home, "sessions", "--format", "csv"))}
    status = [line for line in nh(home, "status").output.splitlines() if session in line]
    shown = [line for line in nh(home, "show", "ibl", session).output.splitlines() if "set aside" in line]
    table = open_store(home).sessions("ibl").set_index("session_id")["set_aside"]
    assert [text for one, text in listed.items() if one != session] == [""]
    return [listed[session], "".join(status), "".join(shown), table[session]]


def test_it_says_so_everywhere(stored_home: Path, session: str, tmp_path: Path) -> None:
    platform = Platform(load_settings(stored_home))  # with the reviews of this test
    before = parameters(platform, "ibl")
    assert looked_at(stored_home, session) == ["", "", "", ""]
    nh(stored_home, "review", "add", "ibl", session, *FAIL, "--reviewer", "ada")
    proposed = "set aside proposed by ada, 1 of 2"
    assert looked_at(stored_home, session) == [
        proposed,
        f"ibl: reviewed as a whole: {session} ({proposed}); `nh --home {stored_home} review list ibl` says why",
        f"review of the session: {proposed}",
        proposed,
    ]
    nh(stored_home, "review", "add", "ibl", session, *FAIL, "--reviewer", "bea")
    said = looked_at(stored_home, session)
    assert (said[0], said[3]) == ("set aside", "set aside")
    assert said[1].startswith(f"ibl: reviewed as a whole: {session} (set aside); ")
    assert said[2] == "set aside by ada, bea: seizures"
    assert json.loads(nh(stored_home, "status", "--format", "json").stdout)[0]["set aside"] == 1
    assert parameters(platform, "ibl") != before
    catalog = tmp_path / "catalog"
    catalog.mkdir()
    assert make(platform, "ibl", catalog).shown["sessions set aside"] == 1
    table = read_table(catalog / "session_catalog.parquet").set_index("session_id")
    assert table.loc[session, "set_aside"] == "set aside"
    nh(
        stored_home,
        "review",
        "add",
        "ibl",
        session,
        *FAIL[:1],
        *FAIL[3:],
        "--decision",
        "withdrawn",
        "--reviewer",
        "bea",
    )
    assert looked_at(stored_home, session)[0] == proposed


def test_it_is_a_matter_of_the_day_and_of_files_that_can_be_used(
    stored_home: Path, session: str, tmp_path: Path
) -> None:
    for reviewer in ("ada", "bea"):
        nh(stored_home, "review", "add", "ibl", session, *FAIL, "--reviewer", reviewer, "--expiry", "2026-06-01")
    folder = tmp_path / "reviews" / "ibl"
    (folder / "broken.yaml").write_text("whole_session: [")
    (folder / "other.yaml").write_text("never parsed: [")
    settings = load_settings(stored_home)
    assert session_reviews(settings, "ibl", "2026-06-01")[session].is_set_aside
    assert session_reviews(settings, "ibl", "2026-06-02")[session].state == "expired"
    assert list(session_reviews(settings, "ibl", "2026-06-02")) == [session]
    assert session_reviews(settings, "allen_vc", "2026-06-02") == {}
