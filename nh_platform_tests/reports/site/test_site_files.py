"""The files of a site: pages without injected markup, tables for a meeting, the snapshot, and their folder."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.reports.page.packing import json_for_script
from nh_platform.reports.site.building import Site
from nh_platform.reports.site.release_snapshot import release_snapshot, with_release_snapshot
from nh_platform.reports.site.site_folder import RECORD, writing_site
from nh_platform.reports.site.writing import report_files, write_report
from nh_platform.session import ConfigError
from nh_platform_tests.reports.site.tables import site_of, units_table

EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def site() -> Site:
    table = units_table(12)
    table.loc["pid-05", "noise_cutoff"] = 90.0
    return site_of(table)


@pytest.fixture(scope="module")
def written(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    write_report(site, folder)
    return folder


def test_the_files_are_those_that_a_dry_run_names(site: Site, written: Path) -> None:
    found = sorted(one.relative_to(written).as_posix() for one in written.rglob("*") if one.is_file())
    assert found == report_files(site)


def test_the_same_site_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    table = units_table(12)
    table.loc["pid-05", "noise_cutoff"] = 90.0
    write_report(site_of(table), tmp_path)
    for path in sorted(one for one in written.rglob("*") if one.is_file()):
        assert (tmp_path / path.relative_to(written)).read_bytes() == path.read_bytes(), path.name


def test_the_index_names_every_session_rule_and_outlier(written: Path, site: Site) -> None:
    text = (written / "index.html").read_text()
    assert all(f">{one}<" in text for one in site.sessions["session_id"])
    assert all(f'href="rules/{one.rule}.html"' in text for one in site.distributions)
    assert "median of noise_cutoff: 90, the median is" in text
    assert "Only a table of units is here: reviews are of stored sessions." in text


def test_names_with_markup_are_text_on_every_page(tmp_path: Path) -> None:
    table = units_table(2).assign(lab=EVIL, subject=EVIL, acronym=EVIL)
    write_report(site_of(table), tmp_path)
    for page in [*tmp_path.rglob("*.html")]:
        text = page.read_text()
        assert "<script>alert" not in text, page.name
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in (tmp_path / "index.html").read_text()


def test_a_name_with_markup_begins_no_tag_in_a_table_of_markdown(tmp_path: Path) -> None:
    table = units_table(4)
    table["lab"] = EVIL
    write_report(site_of(table), tmp_path)
    text = (tmp_path / "tables" / "good_by_lab.md").read_text()
    assert "\\<script>alert(1)\\</script>" in text
    assert not re.search(r"(?<!\\)<[a-z/]", text)
    assert "noise_cutoff < 5" in (tmp_path / "tables" / "rules.md").read_text()


@pytest.mark.parametrize("record", ["[" * 100_000, "{", '{"files": 1}', '{"files": null}', "[]"])
def test_a_folder_whose_record_is_damaged_is_nobodys(tmp_path: Path, record: str) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / RECORD).write_text(record)
    (tmp_path / "site" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match="it holds something that no report wrote"), writing_site(tmp_path / "site"):
        raise AssertionError("it was begun")
    assert (tmp_path / "site" / "mine.txt").read_text() == "mine"


def test_a_page_of_a_rule_says_what_it_asks_and_where_it_fails(written: Path) -> None:
    text = (written / "rules" / "amp_median.html").read_text()
    assert "amp_median &gt; 50 µV" in text
    assert "Units that pass by lab" in text
    assert re.search(r"<td>north</td>", text)


def test_a_page_of_a_rule_has_its_history(written: Path) -> None:
    text = (written / "rules" / "noise_cutoff.html").read_text()
    assert "<td>2022-10-04</td>" in text
    assert "ibllib 96d6c631" in text


def test_pages_allow_nothing_from_elsewhere(written: Path) -> None:
    for page in [written / "index.html", *(written / "rules").glob("*.html")]:
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page.read_text())
        assert policy is not None
        assert "default-src &#39;none&#39;" in policy.group(1) or "default-src 'none'" in policy.group(1)


def test_tables_hold_the_same_numbers_in_three_forms(written: Path, site: Site) -> None:
    tables = written / "tables"
    with (tables / "good_by_lab.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    stated = json.loads((tables / "good_by_lab.json").read_text())["rows"]
    assert [row["group"] for row in rows] == [row["group"] for row in stated] == ["north", "south"]
    assert float(rows[0]["share"]) == stated[0]["share"] == site.rates["lab"]["share"].iloc[0]
    assert f"{100 * stated[0]['share']:.1f} %" in (tables / "good_by_lab.md").read_text()


def test_the_summary_is_one_page_without_scripts_and_as_text(written: Path, site: Site) -> None:
    html, text = ((written / name).read_text() for name in ("summary.html", "summary.txt"))
    assert "<script" not in html
    assert "http" not in html
    for words in ("amp_median > 50 µV", "pid-05", "No other rulebook" if not site.effects else "ibl-2022-03"):
        assert words in text
    assert max(map(len, text.splitlines())) < 120


def test_a_page_shows_the_snapshot_of_the_release_and_keeps_its_policy(site: Site) -> None:
    data = '<script type="application/json" id="nh-data">{"a":1}</script>'
    page = f'<meta http-equiv="Content-Security-Policy" content="x">\n{data}\n<script>1</script>'
    snapshot = release_snapshot(site)
    once = with_release_snapshot(page, snapshot)
    assert once == with_release_snapshot(once, snapshot), "one snapshot is replaced by the next"
    element = re.search(r'id="nh-release">([^<]*)</script>', once)
    assert element is not None
    stated = json.loads(element.group(1))
    assert stated["release"] == "units.pqt"
    assert [rule["rule"] for rule in stated["rules"]] == ["max_confidence", "noise_cutoff", "amp_median"]
    assert stated["rules"][2]["threshold"] == 50
    assert once.replace(element.group(0), "").count("<script") == page.count("<script") + 1
    with pytest.raises(ConfigError, match="it has no data"):
        with_release_snapshot("<html></html>", snapshot)


def test_a_text_of_a_page_cannot_move_the_snapshot(site: Site) -> None:
    text = json_for_script({"name": '<script type="application/json" id="nh-data">'})
    page = f'<script type="application/json" id="nh-data">{text}</script>'
    assert with_release_snapshot(page, release_snapshot(site)).endswith(page)


def test_a_site_takes_the_place_of_an_earlier_one_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "site"
    for name in ("one.html", "two.html"):
        with writing_site(folder) as fresh:
            (fresh / name).write_text(name)
    assert sorted(one.name for one in folder.iterdir()) == [RECORD, "two.html"]
    assert [one.name for one in folder.parent.iterdir()] == ["site"]


def test_a_site_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with writing_site(folder) as fresh:
        (fresh / "one.html").write_text("one")
    with pytest.raises(ValueError, match="oh"), writing_site(folder) as fresh:
        (fresh / "two.html").write_text("two")
        raise ValueError("oh")
    assert sorted(one.name for one in folder.iterdir()) == [RECORD, "one.html"]
    assert [one.name for one in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("kind", ["another's", "file", "link", "note", "damaged record"])
def test_a_folder_that_is_not_a_site_is_refused_and_unchanged(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "site"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "link":
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        if kind == "note":
            with writing_site(folder) as fresh:
                (fresh / "one.html").write_text("one")
        folder.mkdir(exist_ok=True)
        (folder / "notes.txt").write_text("mine")
        if kind == "damaged record":
            (folder / RECORD).write_text("{")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ConfigError) as caught, writing_site(folder):
        pass
    assert "notes.txt" in str(caught.value) or kind in ("file", "link")
    assert sorted(tmp_path.rglob("*")) == before


def test_what_a_killed_report_left_is_removed(tmp_path: Path) -> None:
    left, other = tmp_path / ".site.0123abcd.new", tmp_path / ".sites.0123abcd.new"
    for one in (left, other):
        one.mkdir()
    with writing_site(tmp_path / "site") as fresh:
        (fresh / "one.html").write_text("one")
    assert not left.exists()
    assert other.exists()


def test_a_site_of_a_table_with_nothing_to_say_is_written(tmp_path: Path) -> None:
    write_report(site_of(units_table(1).iloc[:0]), tmp_path)
    assert "No unit of the release is here." in (tmp_path / "index.html").read_text()
    assert isinstance(pd.read_csv(tmp_path / "tables" / "sessions.csv"), pd.DataFrame)
