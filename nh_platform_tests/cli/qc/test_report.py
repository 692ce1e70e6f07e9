"""`nh qc report` on a table of units: what is printed and written, and what is refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nh_platform_tests.cli.commands import nh
from nh_platform_tests.reports.site.tables import units_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "clusters.pqt"
    units_table().to_parquet(path)
    return path


def test_a_site_of_a_table_alone_is_written_and_said(tmp_path: Path, table: Path) -> None:
    out = tmp_path / "site"
    options = ["--units", str(table), "--rulebook", "ibl-2022-10", "--against", "ibl-2022-03", "--out", str(out)]
    planned = nh(tmp_path, "qc", "report", *options, "--dry-run").stdout
    assert "would be written" in planned
    assert not out.exists()
    said = nh(tmp_path, "qc", "report", *options).stdout
    assert "300  units" in said
    assert "names insertions and no session" in said
    rules = json.loads((out / "tables" / "rules.json").read_text())["rows"]
    assert [row["rule"] for row in rules] == ["max_confidence", "noise_cutoff", "amp_median"]
    assert "against rulebook ibl-2022-03" in (out / "index.html").read_text()
    assert "300 units" in (out / "summary.txt").read_text()


def test_a_freeze_names_the_sessions_of_the_table(tmp_path: Path, table: Path) -> None:
    freeze, out = tmp_path / "mine.csv", tmp_path / "site"
    freeze.write_text("pid,eid,probe_name,date,subject,lab\npid-00,eid-a,probe00,2021-05-06,KS1,east\n")
    said = nh(tmp_path, "qc", "report", str(freeze), "--source", "ibl", "--units", str(table), "--out", str(out)).stdout
    assert "ibl mine by ibl-2022-10" in said
    assert "270 units, of 9 insertions" in said
    assert ">eid-a<" in (out / "index.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["current"], "no source was synced"),
        (["current", "--source", "ibl"], "the source was never synced"),
        (["current", "--source", "ibx"], "ibx"),
        (["--units", "nothing.pqt", "--rulebook", "ibl-2022-10"], "nothing.pqt"),
        (["--units", "nothing.pqt", "--rulebook", "ibl-2031"], "ibl-2031"),
    ],
)
def test_what_is_not_there_is_named_and_nothing_is_written(tmp_path: Path, arguments: list[str], words: str) -> None:
    out = tmp_path / "site"
    result = nh(tmp_path, "qc", "report", *arguments, "--out", str(out), code=1)
    assert words in " ".join(result.stderr.split())
    assert not out.exists()
