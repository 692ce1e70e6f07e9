"""`nh qc validate` through the runner: the table it prints, what it writes, and how the pages show it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nh_platform.cli.qc.rulebooks import app
from nh_platform.qc.validation.validation_table import FILE, read_validation
from nh_platform.session import ConfigError

runner = CliRunner()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("docs") / "rulebooks"
    arguments = ["validate", "--seed", "7", "--size", "tiny", "--sessions", "1", "--write", "--folder", str(folder)]
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output, folder


def test_every_rule_has_a_line_with_counts_and_shares(written) -> None:
    output, folder = written
    lines = output.splitlines()
    begin = lines.index("ibl-2022-10 on simulated ibl sessions")
    assert lines[begin + 1].split()[:4] == ["rule", "units", "bad", "rejected"]
    name, units, bad, rejected, missed, kept, wrong, _, sensitivity, _ = lines[begin + 2].split()
    assert name == "max_confidence"
    assert int(units) == 24 == int(bad) + int(kept) + int(wrong)
    assert (rejected, missed, sensitivity) == (bad, "0", "1.000")
    assert "noise_cutoff: noise_cutoff < 5; bad: more than 10 % of the spikes were lost" in output
    begin = lines.index(
        "max_confidence: max_confidence ≥ 90 %; bad: more than 10 % of the spikes come from other neurons"
    )
    assert re.fullmatch(r"    share of foreign spikes 0 to 0.01: specificity [01]\.\d{3} of \d+ good", lines[begin + 1])
    assert "quality: no truth is known for it" in lines
    assert f"written: {folder / FILE} and 17 figures" in lines[-1]


def test_the_table_and_the_figures_are_written_and_the_pages_show_them(written) -> None:
    _, folder = written
    table = read_validation(folder / FILE)
    assert set(table["source"]) == {"ibl", "allen_vc", "allen_vbn"}
    assert (table["seed"] == 7).all()
    assert runner.invoke(app, ["docs", "--folder", str(folder.parent)]).exit_code == 0
    page = (folder / "nh-common.md").read_text(encoding="utf-8")
    for source in ("ibl", "allen-vc", "allen-vbn"):
        figure = f"validation-nh-common-{source}.svg"
        assert f"({figure})" in page
        assert (folder / figure).read_text(encoding="utf-8").startswith("<?xml")
    assert "## Tested on units with known truth" not in (folder / "ibl-rigor.md").read_text(encoding="utf-8")
    assert runner.invoke(app, ["docs", "--folder", str(folder.parent), "--check"]).exit_code == 0


def test_a_size_that_does_not_exist_is_refused() -> None:
    result = runner.invoke(app, ["validate", "--size", "huge"])
    assert isinstance(result.exception, ConfigError)
    assert "tiny, demo, benchmark, graded" in str(result.exception)
