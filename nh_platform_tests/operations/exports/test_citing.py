"""What to cite, and the terms: before anything is synced, and for training sets."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.exports.citations import UNKNOWN_TERMS, cited_data, formatted
from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.rules.methods import cited
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.sources.registry import source_entry, sources
from nh_platform_tests.cli.commands import nh


def test_bad_input_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="neither is named"):
        operations.cite(tmp_path)
    with pytest.raises(ConfigError, match="both are named"):
        operations.cite(tmp_path, ["ibl"], training_set="demo")
    with pytest.raises(ConfigError, match="there is no such source"):
        operations.cite(tmp_path, ["ible"])
    with pytest.raises(UnknownSession):
        operations.cite(tmp_path, training_set="demo")
    with pytest.raises(ConfigError, match="Did you mean bibtex"):
        formatted(operations.cite(tmp_path, ["ibl"]), "bibtx")


@pytest.mark.parametrize("source", sources())
def test_terms_and_works_are_said_of_a_home_that_does_not_exist(tmp_path: Path, source: str) -> None:
    entry = source_entry(source)
    said = nh(tmp_path / "nothing", "cite", source).stdout
    assert entry.terms in said
    keys = {*entry.cites, *cited(load_rulebook(entry.rulebook))}
    assert all(bibliography()[key].on_one_line() in said for key in keys)
    assert "nh-platform" in said
    assert not (tmp_path / "nothing").exists()


def test_allens_data_are_said_to_be_for_non_commercial_use(tmp_path: Path) -> None:
    for form in ("text", "bibtex", "markdown"):
        assert "non-commercial" in nh(tmp_path, "cite", "allen_vc", "--format", form).stdout


def test_bibtex_has_every_work_once(tmp_path: Path) -> None:
    said = nh(tmp_path, "cite", "ibl", "allen_vc", "allen_vbn", "--format", "bibtex").stdout
    entries = [line for line in said.splitlines() if line.startswith("@")]
    assert len(entries) == len(set(entries))
    assert {"@article{siegle_2021,", "@article{ibl_bwm_2025,", "@misc{allen_vbn_2022,", "@misc{nh_platform,"} <= set(
        entries
    )
    outside = [line for line in said.splitlines() if line and line[0] not in "@ }%"]
    assert outside == []


def test_terms_that_are_not_known_are_said_not_to_be() -> None:
    lab = type(source_entry("ibl"))(
        name="lab", title="Lab", description="", open=source_entry("ibl").open, rulebook="nh-common",
        also_rulebooks=(), presets=(), upstream_format="nwb",
    )  # fmt: skip
    assert UNKNOWN_TERMS in formatted([cited_data(lab)], "text")
