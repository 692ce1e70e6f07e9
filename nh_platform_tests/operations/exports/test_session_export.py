"""Exports of sessions: what is current, what fails, what is never half-written; by a layout made for it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import numpy as np
import pytest

from nh_platform import operations
from nh_platform.exports import layouts
from nh_platform.exports.data_card.card_files import write_card
from nh_platform.exports.export_folder import RECORD, ExportFolder
from nh_platform.exports.layout import Layout, Request
from nh_platform.home.platform import Platform
from nh_platform.reading import SessionView
from nh_platform.session import BadUpstreamData, ConfigError, StoreError, UnknownSession
from nh_platform_tests.homes import make_home, materialize, set_aside

REFUSED: set[str] = set()


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    path.write_text(f"{request.options['greeting']} {len(request.rows)}", encoding="utf-8")
    if session.session_id in REFUSED:
        raise BadUpstreamData(session.session_id, "it is refused", "Nothing.")
    return ("its trials are left out",)


MADE_UP = Layout(
    "made-up", "1", ("raw_spikes", "units"), lambda session: f"{session.source}/{session.session_id}.txt", write,
    options={"greeting": "hello"},
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",), n_sessions=2)
    with dg.DagsterInstance.ephemeral() as instance:
        materialize(platform, instance, "ibl", assets=("raw_spikes", "events", "units"))
    return platform


@pytest.fixture(autouse=True)
def _made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    REFUSED.clear()
    monkeypatch.setattr(layouts, "_PLACES", {"made-up": f"{__name__}:MADE_UP"})


def texts(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("ibl/*.txt"))}


def test_every_stored_session_is_written_and_a_second_run_leaves_them_alone(home: Platform, tmp_path: Path) -> None:
    done = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path / "out")
    assert (set(done.written), done.failed) == (set(home.store.sessions("ibl")), {})
    assert set(texts(tmp_path / "out")) == set(done.written)
    assert all(notes == ("its trials are left out",) for notes in done.left_out.values())
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*.txt")}
    second = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path / "out")
    assert (second.written, set(second.current)) == ({}, set(done.written))
    assert before == {path: path.stat().st_mtime_ns for path in before}
    third = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path / "out", again=True)
    assert set(third.written) == set(done.written)


def test_sessions_that_reviewers_set_aside_are_left_out_unless_they_are_named_or_asked_for(
    home: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    first, second = home.store.sessions("ibl")
    set_aside(tmp_path / "reviews", "ibl", first)
    words, out = "set aside by ada, bea: seizures", tmp_path / "out"
    done = operations.export_sessions(home.settings.home, "made-up", "ibl", out)
    assert (set(done.written), done.set_aside, done.noted) == ({second}, {first: words}, {})
    assert set(texts(out)) == {second}
    named = operations.export_sessions(home.settings.home, "made-up", "ibl", out, [first[:6]])
    assert (set(named.written), named.set_aside, named.noted) == ({first}, {}, {first: words})
    every = operations.export_sessions(home.settings.home, "made-up", "ibl", out, with_set_aside=True)
    assert (set(every.current), every.noted) == ({first, second}, {first: words})
    again = operations.export_sessions(
        home.settings.home, "made-up", "ibl", out
    )  # its file of before stays, and is said
    assert again.set_aside == {first: f"{words} (ibl/{first}.txt of an earlier export is still there)"}
    set_aside(tmp_path / "reviews", "ibl", second)
    with pytest.raises(UnknownSession, match="set aside 2 sessions, and no other is stored"):
        operations.export_sessions(home.settings.home, "made-up", "ibl", out)


def test_a_pack_leaves_out_sessions_that_reviewers_set_aside(
    home: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path / "reviews"))
    first = home.store.sessions("ibl")[0]
    set_aside(tmp_path / "reviews", "ibl", first)
    words = {f"ibl/{first}": "set aside by ada, bea: seizures"}
    made = operations.export_spike_pack(home.settings.home, ["ibl"], tmp_path / "out", units="all")
    assert (made.sessions, made.set_aside, made.noted) == ({"ibl": 1}, words, {})
    every = operations.export_spike_pack(
        home.settings.home, ["ibl"], tmp_path / "all", units="all", with_set_aside=True, dry_run=True
    )
    assert (every.sessions, every.set_aside, every.noted) == ({"ibl": 2}, {}, words)
    named = operations.export_spike_pack(
        home.settings.home, ["ibl"], tmp_path / "one", [first], units="all", dry_run=True
    )
    assert (named.sessions, named.set_aside, named.noted) == ({"ibl": 1}, {}, words)


def test_other_options_and_other_units_are_written_anew(home: Platform, tmp_path: Path) -> None:
    (first, *_) = home.store.sessions("ibl")
    run = lambda **how: operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path, [first[:6]], **how)  # noqa: E731
    run()
    every = texts(tmp_path)[first]
    assert run(options={"greeting": "bye"}).written
    assert texts(tmp_path)[first].startswith("bye ")
    assert run(units="good").written
    assert int(texts(tmp_path)[first].split()[1]) < int(every.split()[1])


def test_a_session_that_is_refused_is_named_and_the_other_goes_on(home: Platform, tmp_path: Path) -> None:
    first, second = home.store.sessions("ibl")
    operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path)
    REFUSED.add(first)
    done = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path, options={"greeting": "bye"})
    assert (set(done.written), set(done.failed)) == ({second}, {first})
    assert texts(tmp_path)[first].startswith("hello")  # what was there before stays
    assert [path.name for path in tmp_path.rglob("*.new")] == []


def test_a_dry_run_writes_nothing(home: Platform, tmp_path: Path) -> None:
    done = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path / "out", dry_run=True)
    assert len(done.written) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "kept",
    [
        {"mine.txt": "x"},
        {RECORD: "{"},
        {RECORD: '{"layout": "x", "files": {"a": {"identity": "i", "origins": [], "files": {}}}}'},
    ],
)
def test_a_folder_that_holds_something_else_is_refused(home: Platform, tmp_path: Path, kept: dict[str, str]) -> None:
    for name, text in kept.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="Take a folder that is empty"):
        operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == kept


def test_two_exports_never_write_at_once(tmp_path: Path) -> None:
    with ExportFolder(tmp_path / "out", "made-up").alone(), pytest.raises(ConfigError, match="another export"):  # noqa: SIM117
        with ExportFolder(tmp_path / "out", "made-up").alone():
            pass


def test_what_a_killed_export_left_is_removed_and_made_again(tmp_path: Path) -> None:
    folder = ExportFolder(tmp_path, "made-up")
    with folder.alone(), folder.writing("a/one.txt", "id") as fresh:
        fresh.write_text("whole")
    (tmp_path / "a" / ".two.txt.0123abcd.new").write_text("half")
    with folder.alone():
        assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["one.txt"]
        assert folder.is_current("a/one.txt", "id")
        assert not folder.is_current("a/two.txt", "id")


def test_unknown_names_are_refused_with_the_nearest(home: Platform, tmp_path: Path) -> None:
    at = home.settings.home
    with pytest.raises(ConfigError, match="Did you mean made-up"):
        operations.export_sessions(at, "made-upp", "ibl", tmp_path)
    with pytest.raises(ConfigError, match="Did you mean greeting"):
        operations.export_sessions(at, "made-up", "ibl", tmp_path, options={"greting": "x"})
    with pytest.raises(UnknownSession, match="no session of it is stored"):
        operations.export_sessions(at, "made-up", "allen_vc", tmp_path)
    done = operations.export_sessions(at, "made-up", "ibl", tmp_path / "units", units="ibl-2022")
    assert all("ibl-2022-10" in str(error) for error in done.failed.values())
    assert len(done.failed) == 2


def test_a_session_without_a_good_unit_is_named(
    home: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SessionView, "good_units", lambda self, rulebook=None: np.zeros(len(self.units), dtype=bool))
    done = operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path, units="good")
    assert len(done.failed) == 2
    assert "none of its" in str(next(iter(done.failed.values())))


def test_an_export_without_any_file_leaves_nothing(home: Platform, tmp_path: Path) -> None:
    REFUSED.update(home.store.sessions("ibl"))
    for folder in (tmp_path / "new", tmp_path / "empty"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        done = operations.export_sessions(home.settings.home, "made-up", "ibl", folder)
        assert len(done.failed) == 2
    assert [path.name for path in tmp_path.rglob("*")] == ["empty"]


def test_a_card_of_no_session_is_refused(tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(json.dumps({"layout": "npz", "files": {}}), encoding="utf-8")
    with pytest.raises(ConfigError, match="holds no exported session"):
        write_card(tmp_path)


def written(folder: ExportFolder, path: str, text: str, identity: str = "id") -> None:
    with folder.alone(), folder.writing(path, identity) as fresh:
        fresh.mkdir()
        (fresh / "a.txt").write_text(text, encoding="utf-8")


def test_a_record_that_was_half_written_is_ours_and_removed(tmp_path: Path) -> None:
    (tmp_path / f"{RECORD}.0123abcd.new").write_text("{", encoding="utf-8")
    folder = ExportFolder(tmp_path, "made-up")
    written(folder, "s1", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD, "s1"]
    (tmp_path / "croissant.json.0123abcd.new").write_text("{", encoding="utf-8")
    (tmp_path / "mine.new").write_text("mine", encoding="utf-8")
    (tmp_path / ".mine.new").mkdir()
    written(folder, "s1", "x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.new", "mine.new", RECORD, "s1"]


def test_another_file_that_is_half_written_is_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex.0123abcd.new").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="it holds something else: thesis"):
        ExportFolder(tmp_path, "made-up")


def test_a_link_in_the_place_of_a_session_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    folder, elsewhere = ExportFolder(tmp_path / "out", "made-up"), tmp_path / "elsewhere"
    written(folder, "lab/s1", "old")
    (tmp_path / "out" / "lab" / "s1").rename(elsewhere)
    (tmp_path / "out" / "lab" / "s1").symlink_to(elsewhere)
    assert not folder.is_current("lab/s1", "id")
    written(folder, "lab/s1", "new")
    assert not (tmp_path / "out" / "lab" / "s1").is_symlink()
    assert (elsewhere / "a.txt").read_text(encoding="utf-8") == "old"
    assert (tmp_path / "out" / "lab" / "s1" / "a.txt").read_text(encoding="utf-8") == "new"
    (tmp_path / "out" / "lab").rename(tmp_path / "lab")
    (tmp_path / "out" / "lab").symlink_to(tmp_path / "lab")
    with pytest.raises(StoreError, match="it is a link, and nothing is written through one"):
        written(folder, "lab/s2", "x")
    assert [path.name for path in (tmp_path / "lab").iterdir()] == ["s1"]


def test_a_file_that_cannot_be_replaced_stays_and_so_does_its_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ExportFolder(tmp_path, "made-up")
    written(folder, "s1", "old")
    moved = Path.replace

    def refused(path: Path, target: Path) -> Path:
        if target.name == "s1" and (path / "a.txt").read_text(encoding="utf-8") == "new":
            raise OSError(5, "Input/output error", str(target))
        return moved(path, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(StoreError, match="Input/output error"):
        written(folder, "s1", "new", "other")
    assert ExportFolder(tmp_path, "made-up").is_current("s1", "id")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [RECORD, "s1", "s1/a.txt"]


def test_a_name_that_the_disk_does_not_take_is_named(home: Platform, tmp_path: Path) -> None:
    for dry_run in (False, True):
        with pytest.raises(StoreError, match="name too long"):
            operations.export_sessions(
                home.settings.home, "made-up", "ibl", tmp_path / ("x" * 300) / "out", dry_run=dry_run
            )
    with pytest.raises(StoreError, match="name too long"):
        operations.export_spike_pack(home.settings.home, ["ibl"], tmp_path / ("x" * 300), units="all")


def test_a_disk_that_is_full_is_said_to_be_where_the_error_has_no_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "1747836 requested and 392688 written"
    for free, said in ((4096, "the disk is full"), (10**9, text)):
        monkeypatch.setattr(shutil, "disk_usage", lambda folder, free=free: SimpleNamespace(free=free))
        folder = ExportFolder(tmp_path, "made-up")
        with pytest.raises(StoreError, match=said), folder.alone(), folder.writing("s1.npy", "id"):
            raise OSError(text)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_empty_choice_of_units_is_refused(home: Platform, tmp_path: Path, dry_run: bool) -> None:
    with pytest.raises(ConfigError, match="--units: it is empty"):
        operations.export_sessions(home.settings.home, "made-up", "ibl", tmp_path / "out", units="", dry_run=dry_run)
    with pytest.raises(ConfigError, match="--units: it is empty"):
        operations.export_spike_pack(home.settings.home, ["ibl"], tmp_path / "out", units="", dry_run=dry_run)
    assert not (tmp_path / "out").exists()
