"""What a change of rules takes in and throws out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.changes.rulebook_diff import diff_rulebooks
from nh_platform.qc.rules.label_agreement import compare_labels
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.units_file import read_units, region_of, session_of, unit_names, write_units
from nh_platform.session import BadUpstreamData, ConfigError


def units() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "eid": ["s1", "s1", "s1", "s2", "s2"],
            "acronym": ["CA1", "CA1", "VISp", "VISp", None],
            "slidingRP_viol": [1, 1, 1, 1, 0],
            "noise_cutoff": [4.0, 10.0, 10.0, 30.0, 10.0],
            "amp_median": [60e-6] * 5,
        }
    )


def test_units_that_go_out_are_counted_by_rule_region_and_session() -> None:
    found = diff_rulebooks(units(), load_rulebook("ibl-2022-03"), load_rulebook("ibl-2022-10"))
    assert found.went_out.tolist() == [False, True, True, False, False]
    assert (found.n_changed, found.n_units, int(found.came_in.sum())) == (2, 5, 0)
    assert found.by_session.to_dict("records") == [
        {"session": "s1", "old": 3, "new": 1, "in": 0, "out": 2, "changed": 2}
    ]
    assert found.by_region["region"].tolist() == ["CA1", "VISp"]
    by_rule = found.by_rule.set_index(["change", "rule"])
    assert by_rule.loc[("out", "noise_cutoff"), ["rulebook", "units", "alone"]].tolist() == ["ibl-2022-10", 2, 2]
    assert by_rule["units"].sum() == 2


def test_every_changed_unit_is_named_with_its_reason_before_and_after() -> None:
    table = units().assign(cluster_id=[7, 8, 9, 10, 11])
    found = diff_rulebooks(table, load_rulebook("ibl-2022-03"), load_rulebook("ibl-2022-10"))
    assert found.units.to_dict("records") == [
        {
            "session": "s1",
            "region": region,
            "unit": unit,
            "change": "out",
            "old": "passes",
            "new": "noise_cutoff 10 ≥ 5",
        }
        for unit, region in (("8", "CA1"), ("9", "VISp"))
    ]
    assert found.units.index.tolist() == [1, 2]
    back = diff_rulebooks(table, load_rulebook("ibl-2022-10"), load_rulebook("ibl-2022-03"))
    assert back.units["change"].tolist() == ["in", "in"]
    assert back.units["old"].tolist() == ["noise_cutoff 10 ≥ 5"] * 2
    assert back.units["new"].tolist() == ["passes"] * 2


def test_the_reverse_takes_the_same_units_in() -> None:
    found = diff_rulebooks(units(), load_rulebook("ibl-2022-10"), load_rulebook("ibl-2022-03"))
    assert found.came_in.tolist() == [False, True, True, False, False]
    by_rule = found.by_rule.set_index(["change", "rule"])
    assert by_rule.loc[("in", "noise_cutoff"), "rulebook"] == "ibl-2022-10"


def test_the_same_rulebook_changes_nothing() -> None:
    found = diff_rulebooks(units(), load_rulebook("ibl-2022-10"), load_rulebook("ibl-2022-10"))
    assert (found.n_changed, len(found.by_session), len(found.by_region), len(found.units)) == (0, 0, 0, 0)


def test_sessions_come_from_the_index_where_no_column_has_them() -> None:
    table = units().drop(columns="eid").set_index(pd.MultiIndex.from_arrays([list("aabbb"), range(5)]))
    assert session_of(table).tolist() == list("aabbb")
    assert session_of(units().drop(columns="eid")).unique().tolist() == ["this table"]
    assert region_of(units()).tolist() == ["CA1", "CA1", "VISp", "VISp", "unknown"]
    assert unit_names(table)[0] == "a/0"
    assert unit_names(units().assign(cluster_id=0))[3] == "3"


@pytest.mark.parametrize("name", ["u.parquet", "u.csv"])
def test_a_table_survives_writing_and_reading(tmp_path: Path, name) -> None:
    write_units(units(), tmp_path / name)
    found = read_units(tmp_path / name)
    pd.testing.assert_frame_equal(found.fillna("null"), units().fillna("null"), check_dtype=False)


def test_a_value_beside_a_threshold_survives_csv_to_the_last_bit(tmp_path: Path) -> None:
    values = np.nextafter([0.1, 0.95, 50e-6, 5.0], [1, 0, 1, 0])
    write_units(pd.DataFrame({"value": values}), tmp_path / "u.csv")
    assert read_units(tmp_path / "u.csv")["value"].tolist() == values.tolist()


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadUpstreamData, match=r"absent\.parquet"):
        read_units(tmp_path / "absent.parquet")
    (tmp_path / "cut.pqt").write_bytes(b"PAR1 cut")
    with pytest.raises(BadUpstreamData, match=r"cut\.pqt: cannot be read"):
        read_units(tmp_path / "cut.pqt")
    (tmp_path / "shifted.csv").write_text("unit_id,snr\n1,3.0,\n2,4.0,\n")
    with pytest.raises(
        BadUpstreamData, match=r"shifted\.csv: cannot be read: its rows have 1 field more than its header"
    ):
        read_units(tmp_path / "shifted.csv")
    with pytest.raises(BadUpstreamData, match=r"unknown kind '\.xlsx'"):
        read_units(tmp_path / "units.xlsx")
    with pytest.raises(BadUpstreamData, match="unknown kind"):
        write_units(units(), tmp_path / "units.txt")


def test_labels_are_compared_as_what_they_are() -> None:
    verdicts = apply_rulebook(units(), load_rulebook("ibl-2022-10"))
    good = verdicts.good
    assert compare_labels(verdicts, pd.Series(good.astype(float), name="label")).n_mismatches == 0
    assert compare_labels(verdicts, pd.Series(good, name="label")).n_mismatches == 0
    assert compare_labels(verdicts, pd.Series(verdicts.label.astype(np.float32), name="label")).n_mismatches == 0
    assert compare_labels(verdicts, pd.Series(~good, name="label")).n_mismatches == len(good)
    null = pd.Series(verdicts.label, name="label")
    null[0] = np.nan
    assert compare_labels(verdicts, null).mismatch.tolist() == [True, False, False, False, False]
    with pytest.raises(ConfigError, match="holds 1 to 5"):
        compare_labels(verdicts, pd.Series([1, 2, 3, 4, 5], name="label"))
    with pytest.raises(ConfigError, match="is no label"):
        compare_labels(verdicts, pd.Series(["good"] * 5, name="label"))
