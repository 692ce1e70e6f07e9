"""Labels reach units by id, an import says what it changes, and what it replaces is kept."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.curators.curation_json import read_curation
from nh_platform.qc.reviews.curators.label_columns import curated_columns
from nh_platform.qc.reviews.curators.label_files import (
    CuratorLabels,
    labels_folder,
    labels_version,
    read_all_labels,
    read_labels,
    require_curator,
)
from nh_platform.qc.reviews.curators.label_importing import LabelChange, save_labels, with_import
from nh_platform.qc.reviews.curators.label_tables import read_label_table
from nh_platform.qc.reviews.curators.stated_labels import StatedLabels
from nh_platform.qc.reviews.curators.unit_matching import match_labels, sorting_id
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import UNITS
from nh_platform_tests.qc.reviews.curators import label_texts as texts

WHERE = "ibl session s1"


def _units(n: int = 6, probes: tuple[str, ...] = ("probe00", "probe01")) -> pd.DataFrame:
    rows = [(f"{probe}-u{i}", probe, i, 100 + i) for probe in probes for i in range(n)]
    return pd.DataFrame(rows, columns=["unit_id", "probe", "cluster_id", "n_spikes"])


def _phy(text: str = texts.PHY) -> StatedLabels:
    return read_label_table(text.encode(), "cluster_group.tsv")


def _import(
    before: CuratorLabels | None,
    stated: StatedLabels,
    units: pd.DataFrame,
    *,
    probe: str | None = "probe00",
    curator: str = "anna",
    date: dt.date | None = None,
    good: tuple[str, ...] = (),
) -> LabelChange:
    matched = match_labels(stated, units, WHERE, probe=probe)
    return with_import(
        before, stated, matched, units, source="ibl", session_id="s1", curator=curator, date=date, good=good
    )


def test_cluster_ids_are_matched_on_the_probe_that_is_stated() -> None:
    matched = match_labels(_phy(), _units(), WHERE, probe="probe01")
    assert matched.labels["probe01-u1"] == {"group": "good"}
    assert matched.probes == ("probe01",)
    alone = match_labels(_phy(), _units(probes=("probe00",)), WHERE)
    assert alone.labels["probe00-u2"] == {"group": "mua"}


def test_unit_ids_need_no_probe() -> None:
    table = b"unit_id,group\nprobe01-u3,good\nprobe00-u0,mua\n"
    matched = match_labels(read_label_table(table, "x.csv"), _units(), WHERE)
    assert matched.labels == {"probe01-u3": {"group": "good"}, "probe00-u0": {"group": "mua"}}
    assert matched.probes == ("probe00", "probe01")


def test_cluster_ids_of_a_session_with_two_probes_ask_for_the_probe() -> None:
    with pytest.raises(ConfigError, match=r"probe00 4, probe01 4.*State the probe"):
        match_labels(_phy(), _units(), WHERE)
    with pytest.raises(ConfigError, match="it has probe00, probe01"):
        match_labels(_phy(), _units(), WHERE, probe="probe2")


def test_unknown_ids_are_refused_with_their_line_or_left_out_and_stated() -> None:
    stated = _phy(texts.PHY + "77\tgood\n")
    with pytest.raises(ConfigError, match=r"1 of 5 ids are no unit .*: 77 \(the first is line 6\)"):
        match_labels(stated, _units(), WHERE, probe="probe00")
    matched = match_labels(stated, _units(), WHERE, probe="probe00", skip_unknown=True)
    assert matched.unknown == ("77",)
    assert len(matched.labels) == 4
    assert "1 ids are no unit" in matched.notes[0]
    nowhere = _phy("cluster_id\tgroup\n77\tgood\n")
    with pytest.raises(ConfigError, match="1 of 1 ids"):
        match_labels(nowhere, _units(), WHERE, probe="probe00", skip_unknown=True)


def test_another_probe_that_has_all_ids_is_named() -> None:
    units = pd.concat([_units(2, ("probe00",)), _units(6, ("probe01",))], ignore_index=True)
    with pytest.raises(ConfigError, match="The probe probe01 has all of them"):
        match_labels(_phy(), units, WHERE, probe="probe00")


def test_numbers_of_spikes_that_are_those_of_other_units_are_refused() -> None:
    rows = "".join(f"{i}\t{5000 + 100 * i}\tgood\n" for i in range(6))
    stated = read_label_table(f"cluster_id\tn_spikes\tgroup\n{rows}".encode(), "cluster_info.tsv")
    with pytest.raises(ConfigError, match="those of 0 of 6 units"):
        match_labels(stated, _units(), WHERE, probe="probe00")


def test_one_id_with_two_labels_is_refused_and_with_one_is_one_unit() -> None:
    with pytest.raises(ConfigError, match=r"unit 1 has group good \(line 3\) and group mua \(line 6\)"):
        match_labels(_phy(texts.PHY + "1.0\tmua\n"), _units(), WHERE, probe="probe00")
    matched = match_labels(_phy(texts.PHY + "1.0\tgood\n"), _units(), WHERE, probe="probe00")
    assert matched.notes == ("1 rows repeat a unit with the same labels",)


def test_a_file_without_a_label_is_refused() -> None:
    with pytest.raises(ConfigError, match="no unit has a label"):
        match_labels(_phy("cluster_id\tgroup\n1\t\n"), _units(), WHERE, probe="probe00")


def test_the_same_import_again_changes_nothing_and_the_text_is_the_same(tmp_path: Path) -> None:
    path = labels_folder(tmp_path, "ibl", "s1") / "anna.yaml"
    first = _import(None, _phy(), _units(), date=dt.date(2026, 11, 1))
    assert (first.added, first.replaced, first.removed, first.is_changed) == (4, 0, 0, True)
    assert save_labels(path, first, None) is None
    content = path.read_bytes()
    again = _import(read_labels(path), _phy(), _units())
    assert not again.is_changed
    save_labels(path, again, read_labels(path))
    assert path.read_bytes() == content
    line = '  - {"unit": "probe00-u1", "probe": "probe00", "cluster": 1, "labels": {"group": "good"}}'
    assert line in content.decode().splitlines()
    assert '"date": "2026-11-01"' in content.decode()
    assert [one.name for one in path.parent.iterdir() if not one.name.startswith(".")] == ["anna.yaml"]


def test_another_probe_and_another_label_set_are_added_beside(tmp_path: Path) -> None:
    units = _units()
    first = _import(None, _phy(), units).after
    second = _import(first, read_label_table(texts.BOMBCELL_TSV.encode(), "cluster_bc_unitType.tsv"), units)
    third = _import(second.after, _phy(), units, probe="probe01")
    assert (second.added, second.replaced, second.removed) == (4, 0, 0)
    assert (third.added, third.replaced, third.removed) == (4, 0, 0)
    assert [(one.probe, one.label_sets) for one in third.after.imports] == [
        ("probe00", ["bc_unitType"]),
        ("probe00", ["group"]),
        ("probe01", ["group"]),
    ]
    of_unit = {one.unit: one.labels for one in third.after.units}
    assert of_unit["probe00-u1"] == {"bc_unitType": "GOOD", "group": "good"}


def test_another_file_replaces_its_label_sets_and_the_earlier_version_is_kept(tmp_path: Path) -> None:
    path = labels_folder(tmp_path, "ibl", "s1") / "anna.yaml"
    units = _units()
    save_labels(path, _import(None, _phy(), units), None)
    before, content = read_labels(path), path.read_bytes()
    change = _import(before, _phy("cluster_id\tgroup\n0\tgood\n1\tgood\n5\tmua\n"), units)
    assert (change.added, change.replaced, change.removed) == (1, 1, 2)
    earlier = save_labels(path, change, before)
    assert earlier is not None
    assert earlier.read_bytes() == content
    assert {one.unit: one.labels["group"] for one in change.after.units} == {
        "probe00-u0": "good",
        "probe00-u1": "good",
        "probe00-u5": "mua",
    }
    assert [one.curator for one in read_all_labels(path.parent)] == ["anna"]
    with pytest.raises(ConfigError, match="somebody changed it"):
        save_labels(path, change, before)


def test_a_label_set_of_another_kind_and_a_good_label_that_is_none_are_refused() -> None:
    units = _units()
    before = _import(None, _phy(), units).after
    numbers = read_label_table(b"cluster_id\tgroup\n1\t0.5\n", "cluster_group.tsv")
    with pytest.raises(ConfigError, match="group is a number here, and a category"):
        _import(before, numbers, units)
    with pytest.raises(ConfigError, match="--good goood"):
        _import(None, _phy(), units, good=("goood",))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"group": "good"', '"group": "goood"', "unit probe00-u1, group: 'goood' is none of its labels"),
        ('"group": "good"', '"grp": "good"', "label_sets has no such label set"),
        ("session: ", "sessions: ", "unknown key 'sessions'"),
        ("curator: ", "curator: b", "but its place says 'anna'"),
        ("probe00-u1", "probe00-u2", "it stands twice"),
    ],
)
def test_a_file_that_was_damaged_by_hand_is_refused_by_its_line(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    path = labels_folder(tmp_path, "ibl", "s1") / "anna.yaml"
    save_labels(path, _import(None, _phy(), _units()), None)
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(ConfigError, match=said) as refused:
        read_labels(path)
    assert refused.value.thing.startswith("ibl/s1/labels/anna.yaml:")


@pytest.mark.parametrize("name", ["Anna", "", "a b", "../x", "-a", "é", "a" * 41])
def test_names_of_curators_that_cannot_be_files_and_columns_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="small letters"):
        require_curator(name)


def test_labels_become_columns_that_the_units_table_takes() -> None:
    units = _units()
    said = [
        _import(None, read_curation(texts.as_bytes(texts.CURATION), "c.json"), units).after,
        _import(
            None, read_label_table(texts.UNITREFINE_CSV.encode(), "u.csv"), units, curator="unitrefine", probe="probe01"
        ).after,
    ]
    columns, notes = curated_columns(said, units)
    assert notes == ()
    assert list(columns) == [
        "curated.anna.merged_with",
        "curated.anna.putative_type.excitatory",
        "curated.anna.putative_type.inhibitory",
        "curated.anna.putative_type.pyramidal",
        "curated.anna.quality",
        "curated.anna.removed",
        "curated.anna.split",
        "curated.unitrefine.unitrefine_label",
        "curated.unitrefine.unitrefine_probability",
    ]
    assert columns["curated.anna.quality"].tolist()[:3] == ["good", "noise", None]
    excitatory = columns["curated.anna.putative_type.excitatory"].to_numpy()
    np.testing.assert_array_equal(excitatory[:3], [np.nan, 1.0, 0.0])
    np.testing.assert_array_equal(columns["curated.anna.removed"][:7], [0, 0, 0, 0, 0, 1, np.nan])
    assert columns["curated.unitrefine.unitrefine_probability"][7] == 0.87
    assert columns["curated.unitrefine.unitrefine_label"][:6].isna().all()
    for name in columns:
        UNITS._validate_pattern(name, columns[name])


def test_labels_of_an_earlier_sorting_are_in_no_column() -> None:
    units = _units()
    said = _import(None, _phy(), units).after
    resorted = units.assign(n_spikes=np.where(units["probe"] == "probe00", units["n_spikes"] + 1, units["n_spikes"]))
    columns, notes = curated_columns([said], resorted)
    assert columns["curated.anna.group"].isna().all()
    assert "probe00 are of an earlier sorting" in notes[0].text
    assert sorting_id(units, "probe01") == sorting_id(resorted, "probe01")


def test_the_version_of_labels_is_their_content_and_nothing_where_there_are_none(tmp_path: Path) -> None:
    folder = labels_folder(tmp_path, "ibl", "s1")
    assert labels_version(folder) == ""
    save_labels(folder / "anna.yaml", _import(None, _phy(), _units()), None)
    first = labels_version(folder)
    assert first
    (folder / "notes.txt").write_text("no labels")
    (folder / "earlier").mkdir()
    assert labels_version(folder) == first
    save_labels(folder / "ben.yaml", _import(None, _phy(), _units(), curator="ben"), None)
    assert labels_version(folder) != first
