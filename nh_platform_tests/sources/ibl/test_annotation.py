"""Released metrics stand beside the units row by row; positions are the release's final ones, or none."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import RawRecording, UnitAnnotation
from nh_platform.session.columns import TableSchema
from nh_platform.session.tables.units import CHANNEL_POSITIONS, RELEASED, UNIT_POSITIONS
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree

SITES = "alf/probe00/electrodeSites"


def read(tree, **settings) -> tuple[RawRecording, UnitAnnotation]:
    source, session = tree.session(**settings)
    recording = source.read_spikes(session)
    return recording, source.read_annotation(session, recording.units, recording.channels)


@pytest.fixture(scope="module")
def annotated(pristine: Tree) -> tuple[RawRecording, UnitAnnotation]:
    return read(pristine)


def noted(annotation: UnitAnnotation) -> str:
    return "\n".join(f"{note.subject}: {note.text}" for note in annotation.notes)


def test_metrics_are_upstreams_row_by_row(pristine: Tree, annotated) -> None:
    recording, annotation = annotated
    assert annotation.released["unit_id"].tolist() == recording.units["unit_id"].tolist()
    for probe in ("probe00", "probe01"):
        table = pd.read_parquet(pristine.path(f"{SORTING.replace('probe00', probe)}/clusters.metrics.pqt"))
        ours = annotation.released[(recording.units["probe"] == probe).to_numpy()]
        for name in table.columns.drop("cluster_id"):
            assert ours[f"released.{name}"].dtype == table[name].dtype
            assert np.array_equal(ours[f"released.{name}"], table[name], equal_nan=True)
    TableSchema("released", (), (RELEASED,)).validate(annotation.released.drop(columns="unit_id"))
    assert annotation.notes == ()
    assert 1e-5 < annotation.released["released.amp_median"].median() < 1e-3


def test_units_may_be_asked_in_any_order(pristine: Tree, annotated) -> None:
    source, session = pristine.session()
    recording, annotation = annotated
    shuffled = recording.units.sample(frac=1, random_state=3)
    again = source.read_annotation(session, shuffled, recording.channels)
    by_id = annotation.released.set_index("unit_id").loc[shuffled["unit_id"]].reset_index()
    pd.testing.assert_frame_equal(again.released, by_id)
    by_id = annotation.positions.set_index("unit_id").loc[shuffled["unit_id"]].reset_index()
    pd.testing.assert_frame_equal(again.positions, by_id)


def test_positions_are_those_of_the_peak_channel(pristine: Tree, annotated) -> None:
    recording, annotation = annotated
    UNIT_POSITIONS.validate(annotation.positions)
    CHANNEL_POSITIONS.validate(annotation.channels)
    mlapdv = pristine.load(f"{SITES}.mlapdv.npy")
    ids = pristine.load(f"{SITES}.brainLocationIds_ccf_2017.npy")
    first = (recording.units["probe"] == "probe00").to_numpy()
    channel = recording.units.loc[first, "channel"].to_numpy()
    ours = annotation.positions[first]
    assert np.allclose(ours[["x_m", "y_m", "z_m"]], mlapdv[channel] / 1e6, atol=1e-12)
    expected = np.array([5400, 332, 5739]) + np.array([-1, -1, 1]) * mlapdv[channel][:, [1, 2, 0]]
    assert np.allclose(ours[["ccf_ap_um", "ccf_dv_um", "ccf_ml_um"]], expected, atol=1e-6)
    assert np.array_equal(ours["atlas_id"], np.abs(ids[channel]))
    assert set(ours["histology"]) == {"alf"}
    assert ours["cosmos"].notna().all()


def test_electrode_sites_win_over_channels_of_the_sorter(tree: Tree, annotated) -> None:
    for name in ("mlapdv", "brainLocationIds_ccf_2017"):
        tree.write(f"{SORTING}/channels.{name}.npy", tree.load(f"{SORTING}/channels.{name}.npy") * 0)
    _, annotation = read(tree)
    pd.testing.assert_frame_equal(annotation.positions, annotated[1].positions)


def test_channels_of_the_sorter_stand_in_where_there_are_no_electrode_sites(tree: Tree, annotated) -> None:
    tree.remove(*(f"{SITES}.{name}.npy" for name in ("localCoordinates", "mlapdv", "brainLocationIds_ccf_2017")))
    _, annotation = read(tree)
    pd.testing.assert_frame_equal(annotation.positions, annotated[1].positions)


def test_electrode_sites_of_another_length_count_alone(tree: Tree) -> None:
    for name in ("localCoordinates", "mlapdv", "brainLocationIds_ccf_2017"):
        tree.write(f"{SITES}.{name}.npy", tree.load(f"{SITES}.{name}.npy")[:300])
    recording, annotation = read(tree)
    channels = annotation.channels[annotation.channels["probe"] == "probe00"]
    assert channels["channel"].tolist() == list(range(300))
    assert ("probe00", "electrodeSites has 300 channels, the sorting 384") in [
        (note.subject, note.text.split(";")[0]) for note in annotation.notes
    ]
    first = recording.units["probe"] == "probe00"
    beyond = (first & (recording.units["channel"] >= 300)).to_numpy()
    assert beyond.any()
    assert set(annotation.positions.loc[beyond, "histology"]) == {"unlocated"}
    assert set(annotation.positions.loc[~beyond, "histology"]) == {"alf"}


def test_a_probe_without_final_positions_is_unlocated(tree: Tree) -> None:
    names = ("mlapdv", "brainLocationIds_ccf_2017")
    for source in (SITES, f"{SORTING}/channels", "alf/probe00/pykilosort/channels"):
        tree.remove(*(f"{source}.{name}.npy" for name in names))
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    unlocated = annotation.positions[first]
    assert set(unlocated["histology"]) == {"unlocated"}
    assert (unlocated["atlas_id"] == 0).all()
    assert unlocated[["acronym", "beryl", "cosmos", "ccf_ap_um", "x_m"]].isna().all(axis=None)
    assert set(annotation.positions.loc[~first, "histology"]) == {"alf"}
    assert any("unlocated" in note.text and note.subject == "probe00" for note in annotation.notes)


def test_unknown_region_ids_are_noted_and_keep_their_rows(tree: Tree) -> None:
    ids = tree.load(f"{SITES}.brainLocationIds_ccf_2017.npy")
    ids[:] = 999999999
    tree.write(f"{SITES}.brainLocationIds_ccf_2017.npy", ids)
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    assert (annotation.positions.loc[first, "atlas_id"] == 999999999).all()
    assert annotation.positions.loc[first, "acronym"].isna().all()
    assert any("unknown to iblatlas: 999999999" in note.text for note in annotation.notes)


def test_left_hemisphere_ids_lose_their_sign(tree: Tree, annotated) -> None:
    name = f"{SITES}.brainLocationIds_ccf_2017.npy"
    tree.write(name, -tree.load(name))
    pd.testing.assert_frame_equal(read(tree)[1].positions, annotated[1].positions)


def released(annotation: UnitAnnotation) -> pd.DataFrame:
    return annotation.released.drop(columns="unit_id")


def test_a_probe_without_metrics_has_none(tree: Tree, annotated) -> None:
    tree.remove(f"{SORTING}/clusters.metrics.pqt", "alf/probe00/pykilosort/clusters.metrics.pqt")
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    assert released(annotation)[first].isna().all(axis=None)
    expected = released(annotated[1])[~first]
    pd.testing.assert_frame_equal(released(annotation)[~first], expected, check_dtype=False)
    assert "file alf/probe00/pykilosort/clusters.metrics.pqt: required" in noted(annotation)
    assert "probe00 has no released metrics that can be used; NaN, and recomputed ones judge" in noted(annotation)


def test_a_session_without_metrics_has_no_columns_of_them(tree: Tree) -> None:
    tree.edit(lambda t: t[~(tree.rows(t) & t["rel_path"].str.contains("clusters.metrics"))])
    recording, annotation = read(tree)
    assert annotation.released.columns.tolist() == ["unit_id"]
    assert len(annotation.released) == len(recording.units)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda t: t.assign(extra=[[1, 2]] * len(t)), "column extra holds lists or tables"),
        (lambda t: t.assign(**{"a.b": 1.0, "a_b": 2.0}), "column 'a_b': another one has this name"),
        (lambda t: t.assign(**{"presence-ratio": 1.0}), "column 'presence-ratio': another one has this name"),
        (lambda t: t.assign(**{"": 1.0}), "column '': another one has this name, or it has none"),
        (lambda t: t.assign(foo="x"), "foo is not in the table of probe01"),
        (lambda t: t.assign(label="good"), "label: 12 of 12 values are no numbers; NaN"),
        (lambda t: t.assign(label=pd.Timestamp("2024-05-06")), "label: 12 of 12 values are no numbers; NaN"),
        (lambda t: t.assign(label=b"good"), "label: 12 of 12 values are no numbers; NaN"),
        (lambda t: t.assign(label=[[1.0]] * len(t)), "label: 12 of 12 values are no numbers; NaN"),
        (lambda t: t.assign(label=t["label"].astype("category")), None),
        (lambda t: t.assign(label=[Decimal(1)] * len(t)), None),
        (lambda t: t.assign(label=pd.array([True, None] * 6, dtype="boolean")), None),
        (lambda t: t.assign(spike_count=t["spike_count"].astype(bool)), None),
    ],
)
def test_an_odd_column_of_one_probes_metrics_costs_that_alone(tree: Tree, annotated, damage, found) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    tree.write(name, damage(pd.read_parquet(tree.path(name))))
    _, annotation = read(tree)
    kinds = {str(dtype) for dtype in annotation.released.dtypes}
    assert kinds <= {*RELEASED.dtypes, "object"}
    kept = [one for one in released(annotated[1]) if one not in ("released.label", "released.spike_count")]
    pd.testing.assert_frame_equal(released(annotation)[kept], released(annotated[1])[kept], check_dtype=False)
    assert found is None or found in noted(annotation)


@pytest.mark.parametrize(
    ("first", "second", "dtype"), [(1, "x", "object"), ("x", True, "object"), (True, 0.5, "float64"), (1, 2, "int64")]
)
def test_a_column_of_other_kinds_of_two_probes_is_of_one_kind(tree: Tree, first, second, dtype: str) -> None:
    for sorting, value in ((SORTING, first), (SORTING.replace("probe00", "probe01"), second)):
        name = f"{sorting}/clusters.metrics.pqt"
        tree.write(name, pd.read_parquet(tree.path(name)).assign(foo=value))
    annotation = read(tree)[1]
    assert annotation.released["released.foo"].dtype == dtype
    assert ("kept as text" in noted(annotation)) == (dtype == "object")


def test_metrics_that_hold_texts_are_nan_and_labels_stay(tree: Tree, annotated) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    table = pd.read_parquet(tree.path(name))
    as_text = table.assign(max_confidence="x", firing_rate=table["firing_rate"].astype(str))
    tree.write(name, as_text)
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    assert released(annotation).loc[first, "released.max_confidence"].isna().all()
    others = released(annotation).drop(columns="released.max_confidence")
    expected = released(annotated[1]).drop(columns="released.max_confidence")
    pd.testing.assert_frame_equal(others, expected, check_dtype=False)
    assert f"max_confidence: {first.sum()} of {first.sum()} values are no numbers; NaN" in noted(annotation)


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (lambda t: t.drop(columns="cluster_id").iloc[1:], "11 rows for 12 clusters, and no cluster_id"),
        (lambda t: pd.concat([t, t.tail(1)]), "occurs twice"),
        (lambda t: t.assign(cluster_id="one"), "is not a number"),
    ],
)
def test_metrics_whose_rows_cannot_be_told_apart_are_left_out(tree: Tree, damage, found) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    tree.write(name, damage(pd.read_parquet(tree.path(name))))
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    assert released(annotation)[first].isna().all(axis=None)
    assert released(annotation)[~first].notna().any(axis=None)
    assert f"left out: file {name}: " in noted(annotation)
    assert found in noted(annotation)


@pytest.mark.parametrize(
    ("damage", "lost", "found"),
    [
        (lambda t: t[t["cluster_id"] != 4], [4], "1 of 12 clusters have no row: 4; NaN"),
        (lambda t: t[:0], list(range(12)), "12 of 12 clusters have no row"),
        (lambda t: t.iloc[::-1], [], "rows are not in order of cluster_id"),
        (lambda t: pd.concat([t, t.tail(1).assign(cluster_id=12)]), [], "1 rows are of clusters that the sorting does"),
    ],
)
def test_each_row_goes_to_its_cluster(tree: Tree, annotated, damage, lost, found) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    tree.write(name, damage(pd.read_parquet(tree.path(name))))
    _, annotation = read(tree)
    expected = released(annotated[1]).drop(index=lost)
    ours = released(annotation)
    assert ours.loc[lost].isna().all(axis=None)
    pd.testing.assert_frame_equal(ours.drop(index=lost)[expected.columns], expected, check_dtype=False)
    assert name in noted(annotation)
    assert found in noted(annotation)


def test_a_metric_that_one_probe_lacks_is_nan_there(tree: Tree) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    tree.write(name, pd.read_parquet(tree.path(name)).drop(columns=["max_confidence", "bitwise_fail"]))
    recording, annotation = read(tree)
    first = (recording.units["probe"] == "probe00").to_numpy()
    assert annotation.released.loc[first, ["released.max_confidence", "released.bitwise_fail"]].isna().all(axis=None)
    assert annotation.released.loc[~first, "released.max_confidence"].notna().any()
    assert sum("is not in the table of probe00; NaN" in note.text for note in annotation.notes) == 2


def test_text_labels_are_kept(tree: Tree) -> None:
    name = f"{SORTING}/clusters.metrics.pqt"
    table = pd.read_parquet(tree.path(name))
    tree.write(name, table.assign(ks2_label=["good", "mua", None] * 4))
    _, annotation = read(tree)
    assert annotation.released["released.ks2_label"].tolist()[:3] == ["good", "mua", None]


def test_of_positions_of_unequal_lengths_those_of_the_sorting_count(tree: Tree) -> None:
    tree.write(f"{SITES}.mlapdv.npy", tree.load(f"{SITES}.mlapdv.npy")[:100])
    _, annotation = read(tree)
    assert "alf/probe00/electrodeSites.*: numbers of channels disagree" in noted(annotation)


@pytest.mark.parametrize("name", ["mlapdv", "brainLocationIds_ccf_2017"])
@pytest.mark.parametrize("damage", [lambda a: a[:0], lambda a: a * np.nan, lambda a: a.astype(str)])
def test_damaged_positions_lose_no_unit(tree: Tree, name, damage) -> None:
    for path in (SITES, f"{SORTING}/channels"):
        tree.write(f"{path}.{name}.npy", damage(tree.load(f"{path}.{name}.npy")))
    recording, annotation = read(tree)
    assert len(annotation.positions) == len(recording.units)
    assert annotation.notes
