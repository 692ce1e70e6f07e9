"""Pages, methods text and BibTeX say what the rulebooks say."""

from __future__ import annotations

from pathlib import Path

import pytest

import nh_platform
from nh_platform.qc.rules.bibliography import Reference, bibliography, bibtex, link
from nh_platform.qc.rules.methods import bibtex_entries, cited, methods_paragraph
from nh_platform.qc.rules.rulebook import load_rulebook, rulebook_ids
from nh_platform.qc.rules.rulebook_pages import rulebook_page, rulebook_pages
from nh_platform.qc.validation.validation_table import FILE, read_validation
from nh_platform.session import ConfigError

DOCS = Path(nh_platform.__file__).parents[1] / "docs" / "rulebooks"


def test_the_pages_in_docs_are_up_to_date() -> None:
    pages = rulebook_pages(read_validation(DOCS / FILE))
    stale = [name for name, text in pages.items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run `nh qc docs`"


@pytest.mark.parametrize("rulebook_id", rulebook_ids())
def test_a_page_names_every_rule_with_its_number_and_reason(rulebook_id) -> None:
    rulebook = load_rulebook(rulebook_id)
    page = rulebook_page(rulebook)
    for rule in (*rulebook.rules, *rulebook.session):
        assert rule.why.strip() in page
        if not isinstance(rule.threshold, bool | list):
            assert str(rule.threshold) in page
    for key in cited(rulebook):
        assert link(bibliography()[key]) in page


def test_the_methods_paragraph_has_numbers_units_and_citations() -> None:
    text = methods_paragraph(load_rulebook("ibl-2022-10"), n_units=137_354, n_good=12_076)
    assert "max_confidence was at least 90 %" in text
    assert "noise_cutoff was below 5" in text
    assert "amp_median was above 50 µV" in text
    assert "Of 137,354 units, 12,076 (8.8 %) met the criteria." in text
    assert "ibl.noise_cutoff@2022-10" in text
    assert "IBL spike sorting white paper, 2022" in text


def test_the_methods_paragraph_of_session_rules() -> None:
    text = methods_paragraph(load_rulebook("ibl-bwm-inclusion"))
    assert "0.08 to 2 s after stimulus onset" in text
    assert "at least 2 sessions had at least 5 good units each; units in void and root were left out" in text
    assert "Task criteria were waived where experimenter_task was PASS" in text
    assert "n_trials was above 400" in text


def test_everything_cited_has_a_bibtex_entry() -> None:
    for rulebook_id in rulebook_ids():
        rulebook = load_rulebook(rulebook_id)
        entries = bibtex_entries(rulebook)
        assert entries.count("@") == len(cited(rulebook))
        assert entries.count("{") == entries.count("}")
    assert "doi = {10.1038/s41586-025-09235-0}" in bibtex("ibl_bwm_2025")
    with pytest.raises(ConfigError, match="unknown"):
        bibtex("nobody_1900")


@pytest.mark.parametrize("rulebook_id", rulebook_ids())
def test_the_paragraph_cites_every_bibtex_entry_and_every_entry_has_a_year(rulebook_id) -> None:
    rulebook = load_rulebook(rulebook_id)
    paragraph = methods_paragraph(rulebook)
    entries = bibtex_entries(rulebook).split("\n\n")
    assert len(entries) == len(cited(rulebook))
    for key, entry in zip(sorted(cited(rulebook)), entries, strict=True):
        assert entry.startswith(("@article{" + key, "@misc{" + key))
        assert bibliography()[key].short in paragraph
        assert "\n  year = {" in entry


def test_a_reference_without_a_year_says_when_it_was_read() -> None:
    entry = bibtex("allen_forum_2307")
    assert "year = {n.d.}" in entry
    assert "note = {read in November 2026}" in entry
    assert all(one.year or one.read for one in bibliography().values())
    with pytest.raises(ValueError, match="a year, when it was read, or a version"):
        Reference(kind="misc", short="s", author="a", title="t")
