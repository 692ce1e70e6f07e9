"""A tool that saves reviews keeps what people wrote, refuses what cannot be read back, and loses no writer's entry."""

from __future__ import annotations

import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews import review_saving
from nh_platform.qc.reviews.review_files import parse_reviews, read_reviews, review_path
from nh_platform.qc.reviews.review_model import reviewer_name
from nh_platform.qc.reviews.review_saving import ReviewsChanged, append_reviews, preview_reviews
from nh_platform.qc.reviews.review_text import file_with, stated_keys
from nh_platform.session import ConfigError, StoreError

GOOD = {"unit": "probe00/1", "decision": "fail", "reason": "a: 'b'\n#c", "reviewer": "ada", "date": "2026-03-01"}
HAND_WRITTEN = """\
# Kept by the lab.
source: ibl
session: s1

reviews:

    # seen in the meeting
    - {unit: u1, decision: fail, reviewer: ada,   date: 2026-03-01, reason: "no"}   # sure?

    -   unit: u2
        decision: pass
        reason: >
          looks
          well
        reviewer: bea
        date: 2026-03-02
  # the end


"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return review_path(tmp_path, "ibl", "s1")


def of(reviewer: str, unit: str = "u9") -> dict[str, object]:
    return {**GOOD, "unit": unit, "reviewer": reviewer}


def test_the_first_review_makes_the_file_and_the_second_leaves_it_as_it_was(path: Path) -> None:
    append_reviews(path, [GOOD])
    path.write_text(path.read_text().replace("reviews:", "# seen in the meeting\nreviews:"))
    first = path.read_text()
    saved = append_reviews(path, [{**GOOD, "reviewer": "bea", "interval": None, "evidence": ("a.png",)}])
    assert path.read_text().startswith(first)
    assert [one.reviewer for one in saved.reviews.reviews] == ["ada", "bea"]
    assert saved.reviews == read_reviews(path)
    assert saved.added == saved.reviews.reviews[1:]
    assert saved.reviews.reviews[0].reason == "a: 'b'\n#c"
    assert saved.added[0].evidence == ["a.png"]


def test_an_entry_is_written_as_people_write_it_with_its_id(path: Path) -> None:
    entry = {**GOOD, "reason": "two neurons", "blind": True}
    saved = append_reviews(path, [entry])
    assert path.read_text() == (
        "source: ibl\nsession: s1\nreviews:\n"
        f"  - id: {saved.added[0].id}\n    unit: probe00/1\n    decision: fail\n    reason: two neurons\n"
        "    reviewer: ada\n    date: 2026-03-01\n    blind: true\n"
    )


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("text", [HAND_WRITTEN, HAND_WRITTEN.rstrip()])
def test_what_people_wrote_stays_byte_for_byte(path: Path, text: str, newline: str) -> None:
    before = text.replace("\n", newline).encode()
    path.parent.mkdir()
    path.write_bytes(before)
    append_reviews(path, [of("eve")])
    saved = append_reviews(path, [of("fay")])
    after = path.read_bytes()
    assert after.startswith(before)
    added = after.removeprefix(before).decode()
    assert "\n    - id: r" in f"\n{added}"
    assert added.count("\n") == added.count(newline)
    assert [one.reviewer for one in saved.reviews.reviews] == ["ada", "bea", "eve", "fay"]


def test_a_review_goes_to_the_end_of_its_list_where_other_keys_follow_or_it_is_empty(path: Path) -> None:
    path.parent.mkdir()
    entry = "  - id: "
    path.write_text(
        "reviews:\n  - {unit: u1, decision: fail, reason: x, reviewer: a, date: 2026-01-01}\n"
        "# who\nsource: ibl\nsession: s1\n"
    )
    append_reviews(path, [GOOD])
    lines = path.read_text().splitlines()
    assert lines[2].startswith(entry)
    assert lines[-3:] == ["# who", "source: ibl", "session: s1"]
    path.write_text("source: ibl\nsession: s1\nreviews: []  # none yet\n")
    append_reviews(path, [GOOD])
    assert path.read_text().startswith(f"source: ibl\nsession: s1\nreviews:  # none yet\n{entry}")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"decision": "perhaps"}, "decision"),
        ({"date": "1 March"}, "date"),
        ({"interval": (9.0, 2.0), "unit": None}, "interval 9.0 to 2.0"),
        ({"unit": None}, "it is about nothing"),
        ({"mood": "good"}, "unknown key 'mood'"),
        ({"reason": "a\x00b"}, "control character"),
        ({"reason": "\ud800"}, "character"),
        ({"reason": None}, "'reason' is missing"),
        ({}, "stands in line 4 already, word for word"),
    ],
)
def test_what_cannot_be_read_back_is_refused_and_nothing_is_written(
    path: Path, wrong: dict[str, object], said: str
) -> None:
    append_reviews(path, [GOOD])
    before = path.read_bytes()
    for write in (append_reviews, preview_reviews):
        with pytest.raises(ConfigError) as refused:
            write(path, [of("bea"), {**GOOD, **wrong}])
        assert said in str(refused.value)
        assert "ibl/s1.yaml:" in refused.value.thing
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("source: ibl\n", "ibl/s1.yaml:1, session: 'session' is missing"),
        ("source: ibl\nsession: s1\nreviews:\n  - {unit: u1\n", "ibl/s1.yaml:5"),
        ("source: ibl\nsession: s1\nreviews:\n  - {unit: u1, decision: fail}\n", "ibl/s1.yaml:4"),
        (
            "source: ibl\nsession: s1\n"
            "reviews: [{unit: u1, decision: fail, reason: x, reviewer: a, date: 2026-01-01}]\n",
            "ibl/s1.yaml: no review can be added at the end of its list",
        ),
        ("source: ibl\nsession: s1\nreviews: []\n...\n", "no review can be added at the end of its list"),
    ],
)
def test_nothing_is_added_to_a_file_with_a_mistake_or_without_room(path: Path, text: str, said: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        append_reviews(path, [GOOD])
    assert said in str(refused.value)
    assert path.read_text() == text


def test_an_answer_names_a_review_that_there_is_by_its_id_or_the_start_of_it(path: Path) -> None:
    first = append_reviews(path, [GOOD]).added[0]
    before, answer = path.read_bytes(), {"reviewer": "bea", "date": "2026-03-01", "comment": "yes"}
    with pytest.raises(ConfigError, match="0 of its 1 reviews match"):
        append_reviews(path, [{**answer, "answers": "nosuch"}])
    assert path.read_bytes() == before
    assert append_reviews(path, [{**answer, "answers": first.id[:5]}]).added[0].answers == first.id
    two = append_reviews(path, [{**GOOD, "id": "q1", "reviewer": "cal"}, {**answer, "answers": "q1", "closes": True}])
    assert [one.answers for one in two.added] == [None, "q1"]


def test_a_reviewer_may_come_back_to_what_he_decided_on_the_same_day(path: Path) -> None:
    back_and_forth = [GOOD, {**GOOD, "decision": "pass"}, GOOD]
    ids = [append_reviews(path, [entry]).added[0].id for entry in back_and_forth]
    assert ids[2] == f"{ids[0]}-2"
    assert len(set(ids)) == 3
    assert [one.id for one in read_reviews(path).reviews] == ids


def test_a_preview_is_the_difference_that_saving_makes_and_git_applies_it(path: Path, tmp_path: Path) -> None:
    first = preview_reviews(path, [GOOD])
    assert not path.parent.exists()
    assert first.diff.startswith("--- /dev/null\n+++ b/ibl/s1.yaml\n@@ -0,0 +1,")
    path.parent.mkdir()
    path.write_text(HAND_WRITTEN.rstrip())  # without a line break at its end
    preview = preview_reviews(path, [of("eve"), of("fay")])
    patch = tmp_path / "reviews.patch"
    patch.write_text(preview.diff)
    subprocess.run(["git", "apply", patch.name], cwd=tmp_path, check=True)
    by_git = path.read_bytes()
    path.write_text(HAND_WRITTEN.rstrip())
    saved = append_reviews(path, [of("eve"), of("fay")])
    assert path.read_bytes() == by_git
    assert saved == preview


def test_a_file_that_changed_since_it_was_shown_is_refused_with_what_was_added(path: Path) -> None:
    shown = append_reviews(path, [GOOD]).reviews.digest
    assert read_reviews(path).digest == shown
    append_reviews(path, [of("bea")], digest=shown)
    before = path.read_bytes()
    with pytest.raises(ReviewsChanged) as refused:
        append_reviews(path, [of("cal")], digest=shown)
    assert path.read_bytes() == before
    assert [one.reviewer for one in refused.value.added or ()] == ["bea"]
    assert "1 review of bea came to it since it was shown" in str(refused.value)
    append_reviews(path, [of("cal")], digest=refused.value.digest)
    path.write_text(path.read_text().replace("ada", "Ada"))
    with pytest.raises(ReviewsChanged, match="it was changed since it was shown") as refused:
        append_reviews(path, [of("dan")], digest=shown)
    assert refused.value.added is None
    assert [one.reviewer for one in refused.value.now.reviews] == ["Ada", "bea", "cal"]


def test_what_came_to_a_file_that_was_not_there_or_had_no_line_break_is_told_too(path: Path) -> None:
    nothing = read_reviews(path).digest
    append_reviews(path, [GOOD])
    with pytest.raises(ReviewsChanged) as refused:
        append_reviews(path, [of("bea")], digest=nothing)
    assert [one.reviewer for one in refused.value.added or ()] == ["ada"]
    path.write_text(HAND_WRITTEN.rstrip())
    shown = read_reviews(path).digest
    append_reviews(path, [of("eve")])
    with pytest.raises(ReviewsChanged) as refused:
        append_reviews(path, [of("fay")], digest=shown)
    assert [one.reviewer for one in refused.value.added or ()] == ["eve"]


def _writes(path: Path, writer: int, careful: bool) -> int:
    """Add 25 reviews one by one; a careful writer gives the hash that it was shown and tries again on a conflict."""
    conflicts, digest = 0, read_reviews(path).digest if careful else None
    for number in range(25):
        while True:
            try:
                saved = append_reviews(path, [of(f"writer {writer}", f"u{number}")], digest=digest)
            except ReviewsChanged as changed:
                conflicts, digest = conflicts + 1, changed.digest
                continue
            digest = saved.reviews.digest if careful else None
            break
    return conflicts


def test_eight_writers_at_once_lose_nothing(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(HAND_WRITTEN)
    with ThreadPoolExecutor(8) as pool:
        conflicts = sum(pool.map(_writes, [path] * 8, range(8), [True, False] * 4))
    reviews = read_reviews(path).reviews
    assert path.read_text().startswith(HAND_WRITTEN)
    assert len(reviews) == 202
    assert {(one.reviewer, one.unit) for one in reviews[2:]} == {
        (f"writer {writer}", f"u{number}") for writer in range(8) for number in range(25)
    }
    assert len({one.id for one in reviews}) == 202
    assert conflicts
    assert {one.name for one in path.parent.iterdir()} == {"s1.yaml", ".s1.yaml.lock"}


def test_what_a_killed_writer_left_is_removed_and_nothing_else(path: Path) -> None:
    append_reviews(path, [GOOD])
    left = path.with_name("s1.yaml.0123abcd.new")
    others = [path.with_name("s2.yaml.0123abcd.new"), path.with_name("s1.yaml.orig")]
    for one in (left, *others):
        one.write_text("half")
    append_reviews(path, [of("bea")])
    assert not left.exists()
    assert all(one.exists() for one in others)


def test_a_disk_that_gives_back_something_else_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_reviews(path, [GOOD])
    before = path.read_bytes()
    read = review_saving.read_optional

    def damaged(file: Path, name: str) -> str | None:
        return before.decode() if file.suffix == ".new" else read(file, name)

    monkeypatch.setattr(review_saving, "read_optional", damaged)
    with pytest.raises(StoreError, match="the disk gives back other reviews"):
        append_reviews(path, [of("bea")])
    assert path.read_bytes() == before


def test_reviewers_with_accounts_of_their_own_share_a_folder(path: Path) -> None:
    append_reviews(path, [GOOD])
    path.chmod(0o664)
    append_reviews(path, [of("bea")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert stat.S_IMODE(path.with_name(".s1.yaml.lock").stat().st_mode) == 0o666


def test_a_linked_file_stays_a_link(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    target = tmp_path / "elsewhere.yaml"
    target.write_text(HAND_WRITTEN)
    path.symlink_to(target)
    append_reviews(path, [GOOD])
    assert path.is_symlink()
    assert len(read_reviews(path).reviews) == 3


def test_a_link_that_leads_to_itself_is_refused_in_words(tmp_path: Path) -> None:
    path = review_path(tmp_path, "ibl", "s1")
    path.parent.mkdir()
    path.symlink_to(path)
    with pytest.raises((ConfigError, StoreError), match="link"):
        append_reviews(path, [GOOD])


allowed = st.characters(
    exclude_categories=["Cs", "Cc", "Cn"], exclude_characters="\ufeff", include_characters="\n\t\x85"
)
texts = st.text(allowed, min_size=1, max_size=60)


@settings(deadline=None, max_examples=200)
@example("0", "\n", "  ", 0.0, {"\n\na": [1.5, "pass"]})
@given(
    texts,
    texts,
    st.sampled_from(["  ", "", "      "]),
    st.floats(0, 1e6),
    st.dictionaries(texts, st.just([1.5, "pass"])),
)
def test_any_text_is_read_back_as_it_was_given(reason: str, unit: str, indent: str, start: float, rules) -> None:
    item = "- {unit: u, decision: pass, reason: x, reviewer: a, date: 2026-01-01}"
    text = f"source: ibl\nsession: s1\nreviews:\n{indent}{item}\n"
    entry = {
        "unit": unit,
        "interval": (start, start + 1),
        "decision": "fail",
        "reason": reason,
        "reviewer": f"r{reason}",
        "date": "2026-01-01",
        "evidence": [reason],
        "shown": {"rules": {unit: rules}},
    }
    found = parse_reviews(file_with(text, "ibl", "s1", [stated_keys(entry)]), "f", "ibl", "s1").reviews[1]
    assert (found.unit, found.reason, found.evidence) == (unit, reason, [reason])
    assert found.reviewer == reviewer_name(f"r{reason}") == reviewer_name(found.reviewer)
    assert found.interval == (start, start + 1)
    assert found.shown is not None
    assert set(found.shown.rules) == {unit}
    assert set(found.shown.rules[unit]) == set(rules)
