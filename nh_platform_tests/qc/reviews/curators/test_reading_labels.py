"""Files of labels are read as their tools mean them, and refused by the place of the mistake."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.reviews.curators.curation_json import read_curation
from nh_platform.qc.reviews.curators.label_tables import read_label_table
from nh_platform.qc.reviews.curators.reading import read_label_file
from nh_platform.qc.reviews.curators.stated_labels import StatedLabels, id_of
from nh_platform.session import ConfigError
from nh_platform_tests.qc.reviews.curators import label_texts as texts


def _labels(stated: StatedLabels) -> dict[str, dict[str, Any]]:
    return {unit.id: dict(unit.labels) for unit in stated.units}


def test_phy_groups_are_read_and_unsorted_stays_a_word() -> None:
    stated = read_label_table(texts.PHY.encode(), "cluster_group.tsv")
    assert (stated.format, stated.tool) == ("phy", "phy")
    assert [(one.name, one.kind, one.options) for one in stated.sets] == [
        ("group", "category", ("good", "mua", "noise", "unsorted"))
    ]
    assert _labels(stated) == {
        "0": {"group": "noise"},
        "1": {"group": "good"},
        "2": {"group": "mua"},
        "3": {"group": "unsorted"},
    }


def test_of_phys_cluster_info_the_words_are_labels_and_the_metrics_are_not() -> None:
    stated = read_label_table(texts.PHY_INFO.encode(), "cluster_info.tsv")
    assert [one.name for one in stated.sets] == ["KSLabel", "group"]
    assert _labels(stated) == {"0": {"KSLabel": "good", "group": "good"}, "1": {"KSLabel": "mua"}}
    assert stated.n_spikes == {"0": 100, "1": 101}
    chosen = read_label_table(texts.PHY_INFO.encode(), "cluster_info.tsv", columns=["ContamPct"])
    assert _labels(chosen) == {"0": {"ContamPct": 2.1}, "1": {"ContamPct": 99.9}}


@pytest.mark.parametrize("name", ["cluster_bc_unitType.tsv", "labels.tsv"])
def test_bombcells_unit_types_are_recognised_by_their_heading(name: str) -> None:
    stated = read_label_table(texts.BOMBCELL_TSV.encode(), name)
    assert (stated.format, stated.tool) == ("bombcell", "bombcell")
    assert _labels(stated) == {
        "0": {"bc_unitType": "NOISE"},
        "1": {"bc_unitType": "GOOD"},
        "2": {"bc_unitType": "MUA"},
        "3": {"bc_unitType": "NON-SOMA"},
        "4": {},
    }


def test_bombcells_metrics_give_the_type_alone_by_phys_id_as_csv_and_parquet() -> None:
    of_csv = read_label_table(texts.BOMBCELL_CSV.encode(), "templates._bc_qMetrics.csv")
    frame = pd.read_csv(io.StringIO(texts.BOMBCELL_CSV), index_col=0)
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    of_parquet = read_label_table(buffer.getvalue(), "templates._bc_qMetrics.parquet")
    for stated in (of_csv, of_parquet):
        assert _labels(stated) == {unit: {"bc_unitType": kind} for unit, kind in zip("012", ("NOISE", "GOOD", "MUA"))}
        assert stated.n_spikes == {"0": 100, "1": 101, "2": 102}
    without = frame.drop(columns="bc_unitType").to_csv().encode()
    with pytest.raises(ConfigError, match="no column bc_unitType"):
        read_label_table(without, "templates._bc_qMetrics.csv")


def test_codes_of_bombcells_gui_are_words_and_unclassified_units_have_no_label() -> None:
    stated = read_label_table(texts.BOMBCELL_MANUAL.encode(), "manual_vs_bombcell_classifications.csv")
    assert _labels(stated) == {
        "0": {"manual_classification": "Good", "bombcell_classification": "Good"},
        "1": {"bombcell_classification": "MUA"},
    }


@pytest.mark.parametrize(
    ("text", "name", "label", "probability"),
    [
        (texts.UNITREFINE_CSV, "labels.csv", "unitrefine_label", "unitrefine_probability"),
        (texts.UNITREFINE_PHY, "cluster_prediction.tsv", "prediction", "probability"),
        (texts.AIND_CSV, "unit_classifier_ecephys.csv", "decoder_label", "decoder_probability"),
    ],
)
def test_models_give_a_word_and_a_probability(text: str, name: str, label: str, probability: str) -> None:
    stated = read_label_table(text.encode(), name)
    assert stated.format == "unitrefine"
    assert {one.name: one.kind for one in stated.sets} == {label: "category", probability: "number"}
    assert _labels(stated)["0"] == {label: "noise", probability: 0.91}


def test_any_table_is_read_where_it_has_ids() -> None:
    stated = read_label_table(b"unit_id;somatic;rating\nu1;True;x\nu2;False;\n", "mine.csv")
    assert (stated.format, stated.tool) == ("table", "")
    assert _labels(stated) == {"u1": {"somatic": True, "rating": "x"}, "u2": {"somatic": False}}


def test_a_curation_gives_every_label_set_and_what_it_removes_merges_and_splits() -> None:
    stated = read_curation(texts.as_bytes(texts.CURATION), "curation.json")
    assert {one.name: one.kind for one in stated.sets} == {
        "quality": "category",
        "putative_type": "categories",
        "removed": "flag",
        "split": "flag",
        "merged_with": "category",
    }
    labels = _labels(stated)
    assert labels["1"] == {
        "quality": "noise",
        "putative_type": ["excitatory", "pyramidal"],
        "removed": False,
        "split": False,
    }
    assert labels["2"] == {"putative_type": ["inhibitory"], "removed": False, "split": False, "merged_with": "3"}
    assert labels["5"]["removed"] is True
    assert labels["4"]["split"] is True
    assert stated.version == "curation format 2"


def test_earlier_formats_of_curations_are_read() -> None:
    first = read_curation(texts.as_bytes(texts.CURATION_1), "curation.json")
    assert _labels(first) == {"0": {"merged_with": "2"}, "1": {"quality": "good"}, "2": {"merged_with": "0"}}
    view = read_curation(texts.as_bytes(texts.SORTINGVIEW), "sv.json")
    assert view.tool == "sortingview"
    assert _labels(view)["8"] == {"all_labels": ["artifact", "mua"], "merged_with": "9"}


@pytest.mark.parametrize("value", [1, "1", 1.0, " 1 ", "1.0", "01"])
def test_an_id_is_one_however_a_file_has_it(value: object) -> None:
    assert id_of(value) == "1"


def _changed(**keys: Any) -> bytes:
    return texts.as_bytes({**texts.CURATION, **keys})


def _parquet(table: pd.DataFrame) -> bytes:
    content = io.BytesIO()
    table.to_parquet(content)
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.tsv", b" \n", "it is empty"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n", "it has a header and no unit"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n0\tgood\tmore\n", "cluster_group.tsv:2: it has 3 fields"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n\tgood\n", "line 2 has no id"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n1\t<b>good</b>\n", "line 2: the label '<b>good</b>' holds markup"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n1\tgo\x1bod\n", "control character U\\+001B"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n1\t" + b"a" * 200 + b"\n", "has 200 characters"),
        ("cluster_group.tsv", b"cluster_id\tgroup\n1\tgood\xff\n", "cluster_group.tsv:2: byte 24 is no UTF-8"),
        ("labels.csv", b"name,group\na,good\n", "no column of ids"),
        ("labels.csv", b"unit_id,a b,a-b\n1,x,y\n", "two columns of labels come to the name a_b"),
        ("labels.csv", b"unit_id,group,group\n1,x,y\n", "'group' stands twice"),
        ("labels.csv", b"just text\n", "it is no table of labels"),
        ("labels.csv", b"unit_id,note\n" + b"".join(b"%d,n%d\n" % (i, i) for i in range(300)), "300 different words"),
        ("curation.json", b'{"a": 1,\n "b": }', "curation.json:2: no JSON"),
        ("curation.json", b'{"unit": 1}', "it is JSON and no curation"),
        ("curation.json", b"[1, 2]", "it is JSON and no curation"),
        ("curation.json", _changed(format_version="7"), "format_version 7"),
        ("curation.json", _changed(unit_ids="x"), "unit_ids"),
        ("curation.json", _changed(unit_ids=[]), "it lists no unit"),
        ("curation.json", _changed(removed=[99]), "removed names unit 99"),
        ("curation.json", _changed(merges=[{"unit_ids": [1]}]), "a merge is no list of two units"),
        (
            "curation.json",
            _changed(manual_labels=[{"unit_id": 0, "quality": ["god"]}]),
            "manual label 1, unit 0: quality 'god' is none of",
        ),
        (
            "curation.json",
            _changed(manual_labels=[{"unit_id": 0, "quality": ["good", "noise"]}]),
            "they exclude each other",
        ),
        (
            "curation.json",
            _changed(manual_labels=[{"unit_id": 0, "quality": ["good"]}, {"unit_id": "0", "quality": ["noise"]}]),
            "manual label 2, unit 0: quality is 'noise', and an earlier entry says 'good'",
        ),
        ("curation.json", _changed(manual_labels=[{"unit_id": 0, "other": ["x"]}]), "label_definitions has no 'other'"),
        ("curation.json", _changed(manual_labels=[{"unit_id": 77, "quality": ["good"]}]), "unit_ids does not list"),
        (
            "curation.json",
            _changed(label_definitions={"q": {"label_options": ["a\x07"], "exclusive": True}}, manual_labels=[]),
            "control character U\\+0007",
        ),
        ("curation.json", b'{"unit_ids": [' + b"1" * 5000 + b"]}", "a number of thousands of digits"),
        ("curation.json", _changed(removed=["\ud800"]), "half a character"),
        ("curation.json", _changed(unit_ids=[*range(20_000)], merges=[[*range(20_000)]]), "a merge of 20,000 units"),
        ("wide.csv", b"unit_id" + b",a" * 20_000 + b"\n1" + b",x" * 20_000 + b"\n", "20,001 columns"),
        (
            "levels.parquet",
            _parquet(pd.DataFrame({"group": ["a"]}, pd.MultiIndex.from_tuples([(1, 2)]))),
            "no column of",
        ),
        (
            "long.parquet",
            _parquet(pd.DataFrame({"unit_id": np.zeros(1_000_001, "int8"), "group": 0})),
            "1,000,001 rows",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_by_its_place(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as refused:
        read_label_file(path)
    assert name in str(refused.value)


def test_a_count_in_digits_of_another_kind_is_no_count() -> None:
    table = "cluster_id\tgroup\tn_spikes\n1\tgood\t\u00b2\n2\tmua\t12\n"
    assert dict(read_label_table(table.encode(), "cluster_info.tsv").n_spikes) == {"2": 12}


def test_a_file_that_is_no_file_of_labels_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_label_file(tmp_path / "none.tsv")
    with pytest.raises(ConfigError, match="it is no file"):
        read_label_file(tmp_path)
    path = tmp_path / "spikes.tsv"
    with path.open("wb") as stream:
        stream.truncate(65_000_001)
    with pytest.raises(ConfigError, match="it has 65 MB"):
        read_label_file(path)
    good = tmp_path / "cluster_group.tsv"
    good.write_text(texts.PHY)
    with pytest.raises(ConfigError, match="no JSON"):
        read_label_file(good, "spikeinterface")
    with pytest.raises(ConfigError, match="there is no format 'kilosort'"):
        read_label_file(good, "kilosort")
    with pytest.raises(ConfigError, match="Did you mean group"):
        read_label_file(good, columns=["grp"])
