"""Spikes are upstream's, bit by bit, grouped by unit; a probe that cannot be used is left out by name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.session import BadUpstreamData, RawRecording
from nh_platform_tests.sources.ibl.conftest import SORTING, Tree


@pytest.fixture(scope="module")
def recording(pristine: Tree) -> RawRecording:
    source, session = pristine.session()
    return source.read_spikes(session)


def test_every_unit_has_upstreams_spikes_bit_by_bit(pristine: Tree, recording) -> None:
    unit = 0
    for probe in ("probe00", "probe01"):
        folder = SORTING.replace("probe00", probe)
        times, clusters = (pristine.load(f"{folder}/spikes.{name}.npy") for name in ("times", "clusters"))
        amps, depths = (pristine.load(f"{folder}/spikes.{name}.npy") for name in ("amps", "depths"))
        for cluster in range(len(pristine.load(f"{folder}/clusters.channels.npy"))):
            rows = slice(recording.spikes.offsets[unit], recording.spikes.offsets[unit + 1])
            assert recording.spikes.of_unit(unit).tobytes() == times[clusters == cluster].tobytes()
            assert np.array_equal(recording.spikes.amplitudes[rows], amps[clusters == cluster].astype(np.float32))
            assert np.array_equal(recording.spikes.depths[rows], depths[clusters == cluster].astype(np.float32))
            unit += 1
    assert unit == recording.spikes.n_units == len(recording.units)


def test_units_are_all_clusters_in_order_of_probe_and_number(pristine: Tree, recording) -> None:
    units = recording.units
    assert units[["probe", "cluster_id"]].values.tolist() == sorted(units[["probe", "cluster_id"]].values.tolist())
    uuids = pd.read_csv(pristine.path(f"{SORTING}/clusters.uuids.csv"))["uuids"]
    assert units.loc[units["probe"] == "probe00", "unit_id"].tolist() == uuids.tolist()
    assert np.array_equal(units["n_spikes"], recording.spikes.counts)
    assert recording.probes["collection"].tolist() == ["alf/probe00/pykilosort", "alf/probe01/pykilosort"]
    assert recording.probes["revision"].tolist() == ["2024-05-06"] * 2
    assert recording.probes["sorter"].tolist() == ["pykilosort"] * 2
    assert (recording.channels.groupby("probe").size() == 384).all()
    assert recording.notes == ()


def test_amplitudes_are_volts(recording) -> None:
    assert 1e-5 < np.median(recording.spikes.amplitudes) < 1e-3
    assert 1e-5 < recording.units["amplitude"].median() < 1e-3


def test_a_cluster_without_spikes_is_a_unit(tree: Tree) -> None:
    clusters = tree.load(f"{SORTING}/spikes.clusters.npy")
    tree.write(f"{SORTING}/spikes.clusters.npy", np.where(clusters == 3, 4, clusters).astype(np.uint16))
    source, session = tree.session()
    recording = source.read_spikes(session)
    assert recording.spikes.n_units == 24
    assert recording.spikes.counts[3] == 0


@pytest.mark.parametrize("dtype", [np.int32, np.uint32])
def test_clusters_of_any_integer_type_give_the_same_spikes(tree: Tree, recording, dtype) -> None:
    tree.write(f"{SORTING}/spikes.clusters.npy", tree.load(f"{SORTING}/spikes.clusters.npy").astype(dtype))
    source, session = tree.session()
    assert source.read_spikes(session).spikes.times.tobytes() == recording.spikes.times.tobytes()


def test_missing_optional_datasets_become_nan_and_notes(tree: Tree) -> None:
    optional = ("spikes.amps.npy", "spikes.depths.npy", "clusters.depths.npy", "clusters.amps.npy")
    more = ("clusters.peakToTrough.npy", "clusters.uuids.csv", "channels.rawInd.npy", "channels.localCoordinates.npy")
    tree.remove(*(f"{part}/{name}" for name in optional + more for part in (SORTING, "alf/probe00/pykilosort")))
    source, session = tree.session()
    recording = source.read_spikes(session)
    first = recording.units["probe"] == "probe00"
    n_first = int(recording.units.loc[first, "n_spikes"].sum())
    assert np.isnan(recording.spikes.amplitudes[:n_first]).all()
    assert np.isfinite(recording.spikes.amplitudes[n_first:]).all()
    assert recording.units.loc[first, ["depth", "amplitude", "peak_to_trough"]].isna().all(axis=None)
    assert recording.units.loc[first, "unit_id"].tolist() == [f"probe00_{cluster}" for cluster in range(12)]
    channels = recording.channels[recording.channels["probe"] == "probe00"]
    assert len(channels) == recording.units.loc[first, "channel"].max() + 1
    assert channels["axial_um"].isna().all()
    noted = {note.subject.rsplit("/", 1)[1] for note in recording.notes}
    assert noted == set(optional + more)


def test_an_insertion_without_a_sorting_changes_nothing_that_is_stored_of_the_other(tree: Tree) -> None:
    drop = lambda t: t[~(tree.rows(t) & t["rel_path"].str.startswith("alf/probe00/pykilosort"))]  # noqa: E731
    tree.edit(drop)
    source, session = tree.session()
    recording = source.read_spikes(session)
    assert recording.probes["probe"].tolist() == ["probe01"]
    assert recording.notes == ()


def test_a_session_without_any_sorting_is_refused(tree: Tree) -> None:
    tree.edit(lambda t: t[~(tree.rows(t) & t["rel_path"].str.contains("pykilosort"))])
    source, session = tree.session()
    with pytest.raises(BadUpstreamData, match=f"session {tree.eid}: upstream has no spike sorting of any probe"):
        source.read_spikes(session)


def refusal(tree, **settings) -> str:
    """Return why the first probe is left out; the other one must be there."""
    source, session = tree.session(**settings)
    recording = source.read_spikes(session)
    assert recording.probes["probe"].tolist() == ["probe01"]
    assert recording.spikes.n_units == 12
    (text,) = [note.text for note in recording.notes if note.text.startswith("the probe is left out")]
    assert tree.eid in text
    return text


def noted(tree) -> tuple[RawRecording, str]:
    """Read both probes; return the notes as one text."""
    source, session = tree.session()
    recording = source.read_spikes(session)
    assert recording.spikes.n_units == 24
    return recording, "\n".join(f"{note.subject}: {note.text}" for note in recording.notes)


def test_a_session_of_which_no_probe_can_be_used_is_refused_by_the_first_reason(tree: Tree) -> None:
    for folder in (SORTING, SORTING.replace("probe00", "probe01")):
        times = tree.load(f"{folder}/spikes.times.npy")
        tree.write(f"{folder}/spikes.times.npy", times[::-1])
    source, session = tree.session()
    with pytest.raises(BadUpstreamData, match=f"session {tree.eid}, file {SORTING}/spikes.times.npy: times are not"):
        source.read_spikes(session)


@pytest.mark.parametrize("name", ["spikes.times.npy", "spikes.clusters.npy", "clusters.channels.npy"])
def test_a_missing_required_dataset_is_refused(tree: Tree, name) -> None:
    tree.remove(f"{SORTING}/{name}", f"alf/probe00/pykilosort/{name}")
    text = refusal(tree)
    assert f"alf/probe00/pykilosort/{name}" in text
    assert "required" in text


def test_a_required_dataset_of_critical_qc_is_refused_and_an_optional_one_left_out(tree: Tree) -> None:
    def judge(name) -> None:
        row = lambda t: tree.rows(t) & (t["rel_path"] == f"{SORTING}/{name}").to_numpy()  # noqa: E731
        tree.edit(lambda t: t.assign(qc=t["qc"].where(~row(t), "CRITICAL")))

    judge("spikes.amps.npy")
    source, session = tree.session()
    recording = source.read_spikes(session)
    assert np.isnan(recording.spikes.amplitudes[: recording.spikes.offsets[12]]).all()
    assert any(note.text == "dataset QC upstream is CRITICAL; not read" for note in recording.notes)
    judge("spikes.times.npy")
    text = refusal(tree)
    assert "spikes.times.npy" in text
    assert "CRITICAL" in text


def test_other_content_than_the_manifest_states_is_refused_with_both_hashes(tree: Tree) -> None:
    path = tree.path(f"{SORTING}/spikes.times.npy")
    content = bytearray(path.read_bytes())
    content[-1] ^= 0xFF
    path.unlink()
    path.write_bytes(content)
    source, session = tree.session()
    with pytest.raises(BadUpstreamData) as error:
        source.read_spikes(session)
    text = str(error.value)
    assert source.read_spikes(source.manifest().session(tree.other)).spikes.n_units == 24  # the others go on
    assert f"{SORTING}/spikes.times.npy" in text
    files = tree.source().manifest().session(tree.eid).files
    stated = files.loc[(files["name"] == "spikes.times.npy") & (files["revision"] != ""), "md5"].iloc[0]
    assert stated in text
    assert text.count("md5") == 1
    assert "nh sync ibl" in text


def test_a_truncated_file_is_refused_though_its_hash_is_right(tree: Tree) -> None:
    content = tree.path(f"{SORTING}/spikes.times.npy").read_bytes()
    tree.write(f"{SORTING}/spikes.times.npy", content[: len(content) // 2])
    text = refusal(tree)
    assert f"{SORTING}/spikes.times.npy" in text
    assert "not a whole npy file" in text


def test_an_empty_file_is_refused(tree: Tree) -> None:
    tree.write(f"{SORTING}/spikes.clusters.npy", b"")
    assert f"{SORTING}/spikes.clusters.npy: not a whole npy file" in refusal(tree)


def test_lengths_that_disagree_are_refused(tree: Tree) -> None:
    clusters = tree.load(f"{SORTING}/spikes.clusters.npy")
    tree.write(f"{SORTING}/spikes.clusters.npy", clusters[:-1])
    assert f"{len(clusters) - 1} clusters for {len(clusters)} spikes.times" in refusal(tree)


@pytest.mark.parametrize(
    "name", ["spikes.amps", "spikes.depths", "clusters.depths", "clusters.amps", "clusters.peakToTrough"]
)
@pytest.mark.parametrize("damage", [lambda a: a[:-1], lambda a: np.append(a, a[:1]), lambda a: a[:0]])
def test_an_optional_dataset_of_another_length_is_nan(tree: Tree, recording, name, damage) -> None:
    values = tree.load(f"{SORTING}/{name}.npy")
    tree.write(f"{SORTING}/{name}.npy", damage(values))
    read, notes = noted(tree)
    assert f"{SORTING}/{name}.npy: {len(damage(values))} values for {len(values)}" in notes
    assert read.spikes.times.tobytes() == recording.spikes.times.tobytes()
    of_probe = {
        "spikes.amps": read.spikes.amplitudes[: read.spikes.offsets[12]],
        "spikes.depths": read.spikes.depths[: read.spikes.offsets[12]],
        "clusters.depths": read.units["depth"][:12],
        "clusters.amps": read.units["amplitude"][:12],
        "clusters.peakToTrough": read.units["peak_to_trough"][:12],
    }
    for other, ours in of_probe.items():
        assert np.isnan(ours).all() == (other == name)


@pytest.mark.parametrize("stray", [12, -1])
def test_a_cluster_without_a_row_is_refused(tree: Tree, stray) -> None:
    clusters = tree.load(f"{SORTING}/spikes.clusters.npy").astype(np.int32)
    clusters[7] = stray
    tree.write(f"{SORTING}/spikes.clusters.npy", clusters)
    assert f"cluster {stray} has no row in clusters.channels (12 clusters)" in refusal(tree)


def test_nan_times_are_refused(tree: Tree) -> None:
    times = tree.load(f"{SORTING}/spikes.times.npy")
    times[[5, 9]] = np.nan
    tree.write(f"{SORTING}/spikes.times.npy", times)
    assert f"2 of {len(times)} times are NaN or infinite, the first is spike 5" in refusal(tree)


def test_unsorted_times_are_refused(tree: Tree) -> None:
    times = tree.load(f"{SORTING}/spikes.times.npy")
    times[[5, 6]] = times[[6, 5]]
    tree.write(f"{SORTING}/spikes.times.npy", times)
    assert "times are not sorted: spike 5" in refusal(tree)


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("spikes.times", np.arange(5), "int64"),
        ("spikes.clusters", np.zeros(5), "float64"),
        ("spikes.times", np.zeros((5, 2)), "(5, 2)"),
    ],
)
def test_another_dtype_or_shape_is_refused(tree: Tree, name, values, found) -> None:
    tree.write(f"{SORTING}/{name}.npy", values)
    text = refusal(tree)
    assert f"{SORTING}/{name}.npy" in text
    assert found in text


def test_pickled_arrays_are_never_loaded(tree: Tree) -> None:
    np.save(tree.path("x.npy"), np.array([{"a": 1}], dtype=object), allow_pickle=True)
    tree.write(f"{SORTING}/spikes.times.npy", tree.path("x.npy").read_bytes())
    assert "not a whole npy file" in refusal(tree)


def test_a_sorting_of_two_revisions_is_refused(tree: Tree) -> None:
    tree.write("alf/probe00/pykilosort/#2026-01-01#/spikes.times.npy", tree.load(f"{SORTING}/spikes.times.npy"))
    old = lambda t: tree.rows(t) & (t["rel_path"] == f"{SORTING}/spikes.times.npy").to_numpy()  # noqa: E731
    tree.edit(lambda t: t.assign(default_revision=t["default_revision"] & ~old(t)))
    text = refusal(tree)
    assert "alf/probe00/pykilosort" in text
    assert "2026-01-01: spikes.times.npy" in text
    # pinned before the half revision, the sorting is whole again
    source, session = tree.session(revision="2025-01-01")
    assert source.read_spikes(session).probes["revision"].tolist() == ["2024-05-06"] * 2
    assert "2 revisions" in refusal(tree, revision="2026-02-01")


def test_two_default_revisions_of_one_dataset_are_refused(tree: Tree) -> None:
    tree.write("alf/probe00/pykilosort/#2026-01-01#/spikes.times.npy", tree.load(f"{SORTING}/spikes.times.npy"))
    assert "come from 2 revisions" in refusal(tree)


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"uuids": ["a"] * 12}),
        pd.DataFrame({"uuids": [None] * 12, "more": range(12)}),
        pd.DataFrame({"uuids": ["a", "b"]}),
        pd.DataFrame({"ids": range(12)}),
        b"uuids,more\n" + b"".join(b"a%d,b,\n" % cluster for cluster in range(12)),
    ],
)
def test_ids_that_are_not_one_per_cluster_are_not_taken(tree: Tree, table) -> None:
    tree.write(f"{SORTING}/clusters.uuids.csv", table)
    read, notes = noted(tree)
    assert f"{SORTING}/clusters.uuids.csv" in notes
    assert read.units["unit_id"].tolist()[:12] == [f"probe00_{cluster}" for cluster in range(12)]


def test_only_units_whose_id_is_doubled_or_missing_are_renamed(tree: Tree, recording) -> None:
    ids = pd.read_csv(tree.path(f"{SORTING}/clusters.uuids.csv"))
    ids.loc[1, "uuids"] = ids.loc[0, "uuids"]
    ids.loc[5, "uuids"] = None
    tree.write(f"{SORTING}/clusters.uuids.csv", ids.assign(more=1))
    read, notes = noted(tree)
    expected = recording.units["unit_id"].tolist()
    expected[0], expected[1], expected[5] = "probe00_0", "probe00_1", "probe00_5"
    assert read.units["unit_id"].tolist() == expected
    assert f"{SORTING}/clusters.uuids.csv: 1 of 12 ids are missing, 2 are doubled; those units are named" in notes


def test_a_channel_without_a_position_or_number_costs_itself_alone(tree: Tree, recording) -> None:
    local = tree.load(f"{SORTING}/channels.localCoordinates.npy").astype(float)
    local[3, 1] = np.nan
    tree.write(f"{SORTING}/channels.localCoordinates.npy", local)
    raw = tree.load(f"{SORTING}/channels.rawInd.npy").astype(float)
    raw[4] = np.inf
    tree.write(f"{SORTING}/channels.rawInd.npy", raw)
    read, notes = noted(tree)
    places = ["lateral_um", "axial_um"]
    assert read.channels.loc[3, places].isna().all()
    assert np.array_equal(read.channels[places].drop(index=3), recording.channels[places].drop(index=3))
    assert read.channels["upstream_id"].tolist() == recording.channels["upstream_id"].tolist()
    assert f"{SORTING}/channels.localCoordinates.npy: 1 of 384 channels have a position of NaN or infinity" in notes
    assert f"{SORTING}/channels.rawInd.npy: 1 of 384 channels have no whole number from 0 on" in notes


def test_a_unit_with_a_channel_beyond_the_probe_is_without_a_position(tree: Tree) -> None:
    channels = tree.load(f"{SORTING}/clusters.channels.npy")
    channels[0] = 384
    tree.write(f"{SORTING}/clusters.channels.npy", channels)
    read, notes = noted(tree)
    assert "1 units have a channel that the probe does not have, channel 384 of 384" in notes
    assert len(read.channels) == 768
    source, session = tree.session()
    positions = source.read_annotation(session, read.units, read.channels).positions
    assert positions["histology"].tolist()[:2] == ["unlocated", "alf"]


@pytest.mark.parametrize("name", ["channels.localCoordinates", "channels.rawInd"])
@pytest.mark.parametrize("damage", [lambda a: a[:0], lambda a: a * np.nan, lambda a: a.astype(str)])
def test_damaged_positions_of_channels_are_left_out(tree: Tree, name, damage) -> None:
    tree.write(f"{SORTING}/{name}.npy", damage(tree.load(f"{SORTING}/{name}.npy")))
    read, notes = noted(tree)
    assert f"{SORTING}/{name}.npy" in notes
    assert len(read.channels) == 768


def test_an_environment_variable_that_changes_loads_of_one_changes_none_of_a_local_tree(
    pristine: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    import one.api  # noqa: F401  it reads the variable when it is imported, for the life of this process

    from nh_platform.session import ConfigError

    source, session = pristine.session()
    before = source.read_spikes(session)
    monkeypatch.setenv("ONE_REVISION_LAST_BEFORE", "2023-01-01")
    assert source.read_spikes(session).probes["revision"].tolist() == before.probes["revision"].tolist()
    with pytest.raises(ConfigError, match="ONE_REVISION_LAST_BEFORE=2023-01-01"):
        source._client._connection.ask(lambda one: one, "ONE")


def test_ids_that_two_probes_state_cost_those_units_their_id_alone(tree: Tree, recording) -> None:
    first, second = (f"alf/{probe}/pykilosort/#2024-05-06#/clusters.uuids.csv" for probe in ("probe00", "probe01"))
    ids = pd.read_csv(tree.path(second))
    ids.loc[4, "uuids"] = pd.read_csv(tree.path(first)).loc[7, "uuids"]
    tree.write(second, ids)
    found, notes = noted(tree)
    renamed = found.units["unit_id"] != recording.units["unit_id"]
    assert found.units.loc[renamed, "unit_id"].tolist() == ["probe00_7", "probe01_4"]
    assert "2 units of probe00, probe01 have the id of another probe's unit; they are named" in notes


def test_numbers_that_no_channel_can_have_are_none(tree: Tree, recording) -> None:
    name = f"{SORTING}/channels.rawInd.npy"
    numbers = tree.load(name).astype(float)
    numbers[2:5] = 1e300, -7, 0.5
    tree.write(name, numbers)
    found, notes = noted(tree)
    assert found.channels["upstream_id"].tolist() == recording.channels["upstream_id"].tolist()
    assert f"{name}: 3 of 384 channels have no whole number from 0 on" in notes
