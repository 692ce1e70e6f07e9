"""A site of a table of units alone: how units find their session, and what is said to be missing."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from nh_platform.history.freezes import freeze_manifest
from nh_platform.qc.rules.rule_columns import MissingColumn
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.reports.site.building import build_site
from nh_platform.reports.site.pages.index_page import lead
from nh_platform.reports.site.tabled_release import tabled_material
from nh_platform.session import ConfigError
from nh_platform_tests.reports.site.tables import BEFORE, BOOK, material_of, units_table


def freeze_of(folder: Path, rows: list[str]) -> Path:
    path = folder / "freeze_of_two.csv"
    path.write_text("pid,eid,probe_name,session_number,date,subject,lab\n" + "\n".join(rows) + "\n")
    return path


def test_a_release_says_which_session_an_insertion_is_of(tmp_path: Path) -> None:
    rows = ["pid-00,eid-a,probe00,1,2021-05-06,KS1,east", "pid-01,eid-a,probe01,1,2021-05-06,KS1,east"]
    path = freeze_of(tmp_path, [*rows, "pid-99,eid-b,probe00,1,2021-06-01,KS2,east"])
    table = units_table(3).drop(columns=["lab", "subject", "date"])
    material = tabled_material(table, "ibl", load_rulebook(BOOK), manifest=freeze_manifest(path, "ibl"), name="u")
    site = build_site(material)
    sessions = site.sessions.set_index("session_id")
    assert sessions.loc["eid-a", ["lab", "date", "units", "standing"]].tolist() == ["east", "2021-05-06", 60, "made"]
    assert sessions.loc["eid-b", "standing"] == "not made"
    assert sessions.loc["eid-b", "why"] == "no unit of it is in the table"
    assert material.notes[0] == "30 units, of 1 insertion, is not of freeze_of_two and is left out."
    assert site.rates["probe"]["group"].tolist() == ["probe00", "probe01"]


def test_a_table_of_another_release_is_refused(tmp_path: Path) -> None:
    path = freeze_of(tmp_path, ["pid-77,eid-a,probe00,1,2021-05-06,KS1,east"])
    with pytest.raises(ConfigError, match="none of its 60 units is of a session or insertion that freeze_of_two lists"):
        tabled_material(units_table(2), "ibl", load_rulebook(BOOK), manifest=freeze_manifest(path, "ibl"))


def test_a_table_that_the_rules_cannot_read_is_refused_by_the_column() -> None:
    with pytest.raises(MissingColumn, match="has no column for"):
        material_of(units_table(1).drop(columns=["slidingRP_viol", "noise_cutoff", "amp_median"]))


def test_a_rule_that_the_table_has_no_column_for_is_left_out_and_named() -> None:
    site = build_site(material_of(units_table(2).drop(columns="amp_median")))
    assert [one.rule for one in site.distributions] == ["max_confidence", "noise_cutoff"]
    assert site.counts()["good units"] > 0
    assert site.material.notes[1].startswith("Rule amp_median is left out: the units table has no column for")
    assert "are good by ibl-2022-10 without amp_median" in lead(site)


def test_a_structure_says_whether_a_unit_is_in_the_brain() -> None:
    stated = {"presence_ratio": 1.0, "isi_violations": 0.0, "amplitude_cutoff": 0.0, "quality": "good"}
    table = pd.DataFrame({"session_id": "1", "probe": "a", "unit_id": ["1", "2"], "acronym": ["CA1", None], **stated})
    site = build_site(tabled_material(table, "allen_vc", load_rulebook("allen-vc-default")))
    assert site.counts()["good units"] == 1


def test_a_rulebook_that_the_table_cannot_be_held_against_is_left_out_and_named() -> None:
    others = [load_rulebook(BEFORE), load_rulebook("ibl-strict")]
    material = tabled_material(units_table(1), "ibl", load_rulebook(BOOK), others, name="u")
    assert [book.id for book in material.others] == [BEFORE]
    assert any("not compared with ibl-strict" in note for note in material.notes)


def test_a_table_without_insertions_is_one_session() -> None:
    material = material_of(units_table(1).reset_index(drop=True))
    assert material.sessions["session_id"].tolist() == ["units.pqt"]
    assert "names neither session nor insertion" in material.notes[0]


def test_a_table_without_a_row_has_a_site() -> None:
    site = build_site(material_of(units_table(1).iloc[:0]))
    assert site.counts()["units"] == 0
    assert len(site.sessions) == 0


@pytest.mark.reference
def test_87_real_insertions_have_a_site_from_their_table_alone(reference_dir: Path) -> None:
    table = pd.read_parquet(reference_dir / "ibl_units" / "clusters_bwm_147.pqt")
    release = freeze_manifest(reference_dir / "ibl_releases" / "2023_12_bwm_release.csv", "ibl")
    material = tabled_material(table, "ibl", load_rulebook(BOOK), [load_rulebook(BEFORE)], manifest=release)
    site = build_site(material)
    counts = site.counts()
    assert (counts["units"], counts["good units"]) == (137_354, int((table["label"] == 1).sum()))
    assert len(material.units.drop_duplicates(["session_id", "probe"])) == 87
    assert counts["sessions"] == 459
    assert (material.units["label_differs"] == 0).all(), "the release's own label is that of the rulebook"
    labs = site.rates["lab"].set_index("group")["units"]
    assert labs["churchlandlab_ucla"] == int((table["lab"] == "churchlandlab_ucla").sum())
