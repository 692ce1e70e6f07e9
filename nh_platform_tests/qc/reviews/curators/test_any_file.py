"""Whatever a file holds, it is read or refused in words, and what is read is kept and read back the same."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from nh_platform.qc.reviews.curators.label_columns import curated_columns
from nh_platform.qc.reviews.curators.label_files import labels_folder, read_labels
from nh_platform.qc.reviews.curators.label_importing import save_labels, with_import
from nh_platform.qc.reviews.curators.reading import read_label_file
from nh_platform.qc.reviews.curators.unit_matching import match_labels
from nh_platform.session import ConfigError
from nh_platform.session.tables.units import UNITS

UNITS_OF = pd.DataFrame(
    {"unit_id": [f"u{i}" for i in range(4)], "probe": "probe00", "cluster_id": range(4), "n_spikes": 10}
)
_HEADINGS = st.sampled_from(
    [
        "cluster_id",
        "unit_id",
        "group",
        "KSLabel",
        "prediction",
        "probability",
        "bc_unitType",
        "phy_clusterID",
        "",
        "a b",
    ]
)
_CELLS = st.one_of(
    st.sampled_from(
        ["0", "1", "2.0", "u3", "good", "mua", "NaN", "", "True", "0.5", "1e999", "-1", '"', "<b>", "é\u200b"]
    ),
    st.text(max_size=6),
)
_LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-2, 4), st.floats(), _CELLS)
_KEYS = st.sampled_from(
    ["unit_id", "labels", "quality", "label_options", "exclusive", "unit_ids", "labelsByUnit", "mergeGroups", "x"]
)
_ANY = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3))


def _through(name: str, content: bytes) -> None:
    """Read a file, match it, and keep it; a refusal in words is as good."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            stated = read_label_file(path)
            matched = match_labels(stated, UNITS_OF, "ibl session s1", skip_unknown=True)
        except ConfigError:
            return
        kept = labels_folder(folder, "ibl", "s1") / "anna.yaml"
        change = with_import(None, stated, matched, UNITS_OF, source="ibl", session_id="s1", curator="anna")
        save_labels(kept, change, None)
        assert read_labels(kept) == change.after
        columns, notes = curated_columns([change.after], UNITS_OF)
        assert notes == ()
        for column in columns:
            UNITS._validate_pattern(column, columns[column])


@given(
    headings=st.lists(_HEADINGS, min_size=1, max_size=4),
    rows=st.lists(st.lists(_CELLS, min_size=1, max_size=4), max_size=5),
    separator=st.sampled_from(["\t", ",", ";"]),
    name=st.sampled_from(["cluster_group.tsv", "cluster_info.tsv", "labels.csv"]),
)
@settings(max_examples=200, deadline=None)
def test_any_table(headings: list[str], rows: list[list[str]], separator: str, name: str) -> None:
    whole = [(row * 4)[: len(headings)] for row in rows]
    text = "\n".join(separator.join(cells) for cells in [headings, *whole])
    _through(name, text.encode("utf-8", "surrogatepass"))


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_any_bytes(content: bytes) -> None:
    _through("labels.csv", content)
    _through("labels.csv", b"PAR1" + content)


@given(
    parts=st.fixed_dictionaries(
        {},
        optional={
            "format_version": st.sampled_from(["1", "2", 2, "3", None]),
            "unit_ids": _ANY | st.just([0, 1, "2", 3.0]) | st.just(["u0", "u1"]),
            "label_definitions": _ANY
            | st.just({"quality": {"label_options": ["good", "x"], "exclusive": True}})
            | st.just({"quality": {"label_options": ["good", "a b", "x"], "exclusive": False}}),
            "manual_labels": _ANY
            | st.just([{"unit_id": 0, "quality": ["good"]}, {"unit_id": "1", "labels": {"quality": ["x"]}}]),
            "removed": _ANY | st.just([1]),
            "merges": _ANY | st.just([{"unit_ids": [0, 1]}]) | st.just({"9": [0, 1]}),
            "splits": _ANY | st.just([{"unit_id": 1}]),
            "labelsByUnit": _ANY | st.just({"0": ["mua"]}),
            "mergeGroups": _ANY | st.just([[0, 1]]),
        },
    )
)
@settings(max_examples=300, deadline=None)
def test_any_curation(parts: dict[str, object]) -> None:
    _through("curation.json", json.dumps(parts).encode("utf-8", "surrogatepass"))
