"""A person may give the first characters of a session id; what could mean two sessions is refused with both."""

import pytest

from nh_platform.session import UnknownSession
from nh_platform.session.session_names import MIN_PREFIX, session_named, suggestion

EIDS = {"4b7fbad4-f6de", "4b7fffff-0000", "71505119-aa01", "715050"}


def named(asked: str) -> str:
    return session_named(asked, EIDS, "ibl", "the store", "Run `nh sessions`.")


@pytest.mark.parametrize("asked", ["4b7fb", "4b7fbad4", "4b7fbad4-f6de"])
def test_a_whole_id_or_a_unique_beginning_means_the_session(asked: str) -> None:
    assert named(asked) == "4b7fbad4-f6de"


def test_a_whole_id_that_another_begins_with_means_itself() -> None:
    assert session_named("7150", {"7150", "71505119"}, "ibl", "the store", "") == "7150"


def test_an_ambiguous_beginning_lists_the_sessions() -> None:
    with pytest.raises(UnknownSession, match=r"session 4b7f: 2 sessions begin with it: 4b7fbad4-f6de, 4b7fffff-0000"):
        named("4b7f")
    many = {f"abcd{number:02}" for number in range(12)}
    with pytest.raises(UnknownSession, match=r"12 sessions begin with it: abcd00, .*abcd09 and 2 more\. Give more"):
        session_named("abcd", many, "ibl", "the store", "")


def test_a_beginning_that_is_too_short_is_refused_although_it_is_unique() -> None:
    short = "71505119"[: MIN_PREFIX - 1]
    with pytest.raises(UnknownSession, match="too short: 4 characters or more"):
        named(short)
    with pytest.raises(UnknownSession, match="1 session begins with these"):
        session_named("abc", {"abcdef"}, "ibl", "the store", "")


@pytest.mark.parametrize("asked", ["zzzz", ""])
def test_an_unknown_session_gets_the_next_step(asked: str) -> None:
    with pytest.raises(UnknownSession, match=r"not among the 4 sessions of the store\. Run `nh sessions`"):
        named(asked)


def test_a_mistyped_id_gets_the_close_ones() -> None:
    with pytest.raises(UnknownSession, match=r"Did you mean 71505119-aa01\?"):
        named("71505119-aa02")
    assert suggestion("ebl", ["ibl", "allen_vc"], "Use one.") == "Did you mean ibl?"
    assert suggestion("nowhere", ["ibl"], "Use one.") == "Use one."


INSERTIONS = {"aaaa1111-p": "s-one", "aaaa2222-p": "s-two", "bbbb1111-p": "s-one", "s-other-pid": "s-two"}


@pytest.mark.parametrize(
    ("asked", "session_id"),
    [("aaaa1111-p", "s-one"), ("aaaa2", "s-two"), ("bbbb", "s-one"), ("s-two", "s-two"), ("s-tw", "s-two")],
)
def test_a_pid_stands_for_its_session(asked: str, session_id: str) -> None:
    assert session_named(asked, {"s-one", "s-two"}, "ibl", "the store", "Sync.", INSERTIONS) == session_id


@pytest.mark.parametrize(
    ("asked", "says"),
    [("aaaa", "insertions of 2 sessions begin with it: s-one, s-two"), ("aaaa1112-p", "Did you mean aaaa1111-p")],
)
def test_a_pid_that_means_several_or_none_is_refused(asked: str, says: str) -> None:
    with pytest.raises(UnknownSession, match=says):
        session_named(asked, {"s-one", "s-two"}, "ibl", "the store", "Sync.", INSERTIONS)
