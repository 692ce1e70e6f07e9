"""A site of what the store holds: sessions that are gated, damaged or not made are named, and the others go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg
import pytest

from nh_platform import operations
from nh_platform.assets.across_sessions.qc_site import ASSET
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.making import make_source_asset
from nh_platform.planning.source_standing import is_current
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.page import page_code
from nh_platform.reports.site.building import build_site
from nh_platform.reports.site.pages.index_page import index_page
from nh_platform.reports.site.stored_release import changes_of, stored_material
from nh_platform.reports.site.summary import points
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.tables.across_sessions.site import SITE_SESSIONS
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.session.tables.units import UNITS
from nh_platform.store.codecs.parquet import read_table, write_table
from nh_platform_tests.homes import make_home, materialize

FIRST = ("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three IBL sessions: two made, one with its page."""
    platform = make_home(tmp_path_factory.mktemp("home"), ("ibl",), n_sessions=3)
    with dg.DagsterInstance.ephemeral() as instance:
        first, second, _ = platform.source("ibl").manifest().session_ids
        materialize(platform, instance, "ibl", [first], assets=FIRST)
        materialize(platform, instance, "ibl", [second], assets=["raw_spikes", "units"])
        materialize(platform, instance, "ibl", [first], assets=["session_report"])
    return platform.settings.home


@pytest.fixture
def platform(made: Path, tmp_path: Path) -> Platform:
    """Copy that home, to be damaged."""
    shutil.copytree(made, tmp_path / "home", symlinks=True)
    return Platform(load_settings(tmp_path / "home"))


def ids_of(platform: Platform) -> list[str]:
    return platform.manifest("ibl").session_ids


def test_every_session_of_the_release_stands_in_the_site(platform: Platform) -> None:
    first, second, third = ids_of(platform)
    folder = make_source_asset(platform, "ibl", ASSET).folder
    table = read_table(folder / "sessions.parquet").set_index("session_id")
    SITE_SESSIONS.validate(table.reset_index())
    assert table["standing"].to_dict() == {first: "made", second: "made", third: "not made"}
    assert "nh materialize ibl" in table.loc[third, "why"]
    assert (folder / table.loc[first, "report"]).resolve().is_file(), "the link leads to the stored page"
    assert "no page of it was made" in table.loc[second, "report_lacking"]
    index = (folder / "index.html").read_text()
    assert f'href="{table.loc[first, "report"]}"' in index
    assert "units in 2 sessions, 1 of which without embeddings. Reference window: " in index


def test_the_site_is_made_again_when_units_change_and_not_else(platform: Platform) -> None:
    make_source_asset(platform, "ibl", ASSET)
    assert is_current(platform, "ibl", ASSET)
    review_of(platform, ids_of(platform)[0])
    assert not is_current(platform, "ibl", ASSET), "a review that waits for a second reader shows in the site"


@pytest.mark.parametrize(
    ("owner", "name", "value"),
    [
        (Rulebook, "wording_version", lambda self: "other"),
        (page_code, "SHARED", "nh_platform.reports.probe_page"),
    ],
    ids=["words of a rule", "styles of pages"],
)
def test_the_site_is_made_again_when_what_it_shows_beside_numbers_changes(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, owner: object, name: str, value: object
) -> None:
    make_source_asset(platform, "ibl", ASSET)
    monkeypatch.setattr(owner, name, value)
    assert not is_current(platform, "ibl", ASSET)


def test_the_site_is_made_again_when_units_are_described_otherwise(platform: Platform) -> None:
    make_source_asset(platform, "ibl", ASSET)
    first = ids_of(platform)[0]
    record = platform.store.provenance("ibl", first, "unit_embeddings")
    assert record is not None
    table = read_table(platform.store.folder("ibl", first, "unit_embeddings") / "unit_embeddings.parquet")
    with platform.store.publish(record.model_copy(update={"data_version": "0" * 64})) as fresh:
        write_table(fresh / "unit_embeddings.parquet", table, UNIT_EMBEDDINGS)
    assert not is_current(platform, "ibl", ASSET)


def test_the_same_store_gives_the_same_bytes(platform: Platform, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        ASSET.make(platform, "ibl", folder)
    assert (folders[0] / "index.html").read_bytes() == (folders[1] / "index.html").read_bytes()


def test_a_damaged_session_is_named_and_the_others_are_counted(platform: Platform) -> None:
    first, second, _ = ids_of(platform)
    path = platform.store.folder("ibl", first, "units") / "units.parquet"
    path.chmod(0o644)
    path.write_bytes(b"damaged" + path.read_bytes()[7:])
    material = stored_material(platform, "ibl", platform.manifest("ibl"))
    sessions = material.sessions.set_index("session_id")
    assert sessions.loc[first, "standing"] == "unreadable"
    assert "units.parquet" in sessions.loc[first, "why"]
    assert set(material.units["session_id"]) == {second}


def test_a_review_file_that_cannot_be_read_is_noted_and_the_others_count(platform: Platform) -> None:
    first, second, _ = ids_of(platform)
    review_of(platform, second)
    platform.reviews_file("ibl", first).write_text("source: ibl\nsession: [", encoding="utf-8")
    material = stored_material(platform, "ibl", platform.manifest("ibl"))
    assert any(first in note and "cannot be used" in note for note in material.notes)
    assert material.reviews["session_id"].tolist() == [second]
    site = build_site(material)
    assert site.counts()["reviews that wait for a reader"] == 1
    assert site.sessions.set_index("session_id").loc[second, "pending"] == 1


def test_released_and_recomputed_metrics_are_compared_over_all_sessions(platform: Platform) -> None:
    material = stored_material(platform, "ibl", platform.manifest("ibl"))
    assert material.agreement is not None
    assert material.agreement.n_units > 0
    assert material.agreement.passed


def test_a_session_of_no_unit_counts_as_made(platform: Platform) -> None:
    first, second, _ = ids_of(platform)
    record = platform.store.provenance("ibl", first, "units")
    assert record is not None
    folder = platform.store.folder("ibl", first, "units")
    table = read_table(folder / "units.parquet").iloc[:0]
    with platform.store.publish(record.model_copy(update={"data_version": "0" * 64})) as fresh:
        write_table(fresh / "units.parquet", table, UNITS)
    site = build_site(stored_material(platform, "ibl", platform.manifest("ibl")))
    row = site.sessions.set_index("session_id").loc[first]
    assert (row["standing"], row["units"], row["good_units"]) == ("made", 0, 0)
    assert set(site.material.units["session_id"]) == {second}


def test_the_first_release_has_none_before_it(platform: Platform) -> None:
    changes, why = changes_of(platform.store, "ibl")
    assert changes is None
    assert "first release" in why


def test_a_report_is_written_with_the_pages_that_are_asked_for(platform: Platform, tmp_path: Path) -> None:
    first, second, third = ids_of(platform)
    out = tmp_path / "out"
    home = platform.settings.home
    planned = operations.report_release(home, "current", out, source="ibl", sessions=[first[:8]], dry_run=True)
    assert not out.exists()
    made = operations.report_release(home, "ibl", out, sessions=[first[:8], second])
    assert made.pages == planned.pages == (first,)
    assert f"nh materialize ibl {second}" in made.pages_lacking[second]
    assert set(planned.files) < set(made.files)
    assert set(made.named) == {third}
    page = (out / "sessions" / f"{first}.html").read_text()
    assert 'id="nh-release"' in page
    assert f'href="sessions/{first}.html"' in (out / "index.html").read_text()


def test_an_unknown_release_session_or_source_is_refused_with_the_known_ones(
    platform: Platform, tmp_path: Path
) -> None:
    home = platform.settings.home
    with pytest.raises(UnknownSession, match="snapshots: 1 to 1"):
        operations.report_release(home, "2031_release", tmp_path / "out", source="ibl")
    with pytest.raises(UnknownSession, match="the release lists none so"):
        operations.report_release(home, "current", tmp_path / "out", source="ibl", sessions=["zzz"])
    with pytest.raises(ConfigError, match="ibl"):
        operations.report_release(home, "current", tmp_path / "out", source="nope")
    with pytest.raises(ConfigError, match="stored sessions are judged by the configured rulebooks"):
        operations.report_release(home, "current", tmp_path / "out", source="ibl", rulebook="ibl-strict")
    assert not (tmp_path / "out").exists()


def test_a_home_with_the_tables_of_a_release_alone_is_reported(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", ("allen_vbn",), n_sessions=2).settings.home
    operations.sync(home, "allen_vbn")
    made = operations.report_release(home, "current", tmp_path / "out")
    assert made.counts["sessions with units"] == 2
    assert made.counts["good units"] > 0
    assert "without spikes none was recomputed" in made.notes[-1]
    assert "no page of the session" in (tmp_path / "out" / "index.html").read_text()


def test_a_session_whose_run_failed_is_named_with_what_happens_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = make_home(tmp_path / "home", ("ibl",), n_sessions=1).settings.home
    for times in (home / "upstream" / "ibl").rglob("spikes.times.npy"):
        times.write_bytes(times.read_bytes()[:1000])
    operations.sync(home, "ibl")
    failed = operations.materialize(home, "ibl", None, assets=("raw_spikes", "units"))
    assert not failed.outcomes[0].success
    made = operations.report_release(home, "current", tmp_path / "out")
    (why,) = made.named.values()
    assert why.startswith("failed: its last run failed; ")
    assert made.counts["sessions not made, failed or unreadable"] == 1


def test_a_session_that_is_set_aside_is_named_and_its_units_are_counted_nowhere(platform: Platform) -> None:
    first, second, _ = ids_of(platform)
    entries = [f"whole_session: true, decision: fail, reason: seizures, reviewer: {who}" for who in ("Ada", "Bea")]
    reviews_of(platform, first, entries)
    reviews_of(platform, second, ["whole_session: true, comment: is the probe right?, reviewer: Ada"])
    site = build_site(stored_material(platform, "ibl", platform.manifest("ibl")))
    sessions = site.sessions.set_index("session_id")
    assert sessions.loc[first, "standing"] == "set aside"
    assert sessions.loc[first, "why"] == "set aside by Ada, Bea: seizures"
    assert set(site.material.units["session_id"]) == {second}
    counts = site.counts()
    assert (counts["sessions with units"], counts["sessions set aside"], counts["open questions"]) == (1, 1, 1)
    assert sessions.loc[second, "questions"] == 1
    page = index_page(site)
    assert "Ada asks: is the probe right?" in page
    assert "Their units are counted nowhere on these pages." in page
    (_, absent) = points(site)[-1]
    assert [text for text in absent if first in text] == [f"{first} set aside by Ada, Bea: seizures"]


def test_below_the_quorum_a_session_is_proposed_to_be_set_aside_and_counts(platform: Platform) -> None:
    first, second, _ = ids_of(platform)
    reviews_of(platform, first, ["whole_session: true, decision: fail, reason: seizures, reviewer: Ada"])
    site = build_site(stored_material(platform, "ibl", platform.manifest("ibl")))
    assert set(site.material.units["session_id"]) == {first, second}
    (text,) = site.material.reviews["text"]
    assert text == "set aside proposed by Ada, 1 of 2"


def reviews_of(platform: Platform, session_id: str, entries: list[str]) -> None:
    """Write a file of reviews, each on one line without its date."""
    path = platform.reviews_file("ibl", session_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"  - {{{entry}, date: 2026-01-02}}" for entry in entries]
    text = "\n".join([f"source: ibl\nsession: {session_id}\nreviews:", *lines])
    path.write_text(f"{text}\n", encoding="utf-8")


def review_of(platform: Platform, session_id: str) -> None:
    """Write one review of one unit, which waits for a second reader."""
    units = read_table(platform.store.folder("ibl", session_id, "units") / "units.parquet", ["unit_id"])
    path = platform.reviews_file("ibl", session_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"source: ibl\nsession: {session_id}\nreviews:\n"
        f"  - unit: {units['unit_id'].iloc[0]}\n    decision: fail\n    reason: drifts\n    reviewer: Ada\n"
        "    date: 2026-01-02\n",
        encoding="utf-8",
    )
