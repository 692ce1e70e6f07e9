"""Whole sessions through all assets: what stands in the store, what is current, what is made again."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.defs.build import build_defs
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import SourcePlan
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR
from nh_platform.reading import open_store
from nh_platform.simulation import TINY, write_ibl
from nh_platform_tests.homes import SEED, make_home, materialize
from nh_platform_tests.rulebook_texts import NO_UNIT_PASSES


def fingerprint(folder: Path) -> dict[str, str]:
    """Return the sha256 of every file below ``folder`` by relative path; lock files have no content."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, instance: dg.DagsterInstance) -> Platform:
    made = make_home(tmp_path_factory.mktemp("home"))
    for source in ("ibl", "allen_vc"):
        outcomes = materialize(made, instance, source)
        assert [outcome.errors for outcome in outcomes] == [()]
    return made


@pytest.mark.parametrize("source", ["ibl", "allen_vc"])
def test_every_asset_of_a_session_is_in_the_store_with_its_provenance(platform: Platform, source: str) -> None:
    (session_id,) = platform.manifest(source).session_ids
    files = platform.manifest(source).session(session_id)
    for asset, expected in SourcePlan(platform, files.session.source).expected_of(files).items():
        stored = platform.store.provenance(source, session_id, asset)
        assert stored is not None
        assert stored.data_version == expected.data_version
        assert stored.packages["numpy"]
    spikes = platform.store.provenance(source, session_id, "raw_spikes")
    assert spikes is not None
    assert all(file.md5 for file in spikes.upstream_files)


@pytest.mark.parametrize("source", ["ibl", "allen_vc"])
def test_what_was_made_is_current_and_is_not_made_again(
    platform: Platform, instance: dg.DagsterInstance, source: str
) -> None:
    before = fingerprint(platform.store.root / source)
    assert materialize(platform, instance, source) == ()
    assert fingerprint(platform.store.root / source) == before


def test_the_same_sessions_in_another_folder_are_the_same_bytes(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    again = make_home(tmp_path / "another place")
    for source in ("ibl", "allen_vc"):
        materialize(again, instance, source)
    assert fingerprint(again.store.root) == fingerprint(platform.store.root)


def test_the_event_of_a_session_tells_what_was_made(platform: Platform, instance: dg.DagsterInstance) -> None:
    (session_id,) = platform.manifest("ibl").session_ids
    event = instance.get_latest_materialization_event(dg.AssetKey(["ibl", "units"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.partition == session_id
    metadata = event.asset_materialization.metadata
    assert metadata["units"].value == 24
    assert {"good units", "share good", "most frequent reasons", "columns"} <= set(metadata)


def test_every_metric_column_has_its_own_unit_meaning_and_dtype(
    platform: Platform, instance: dg.DagsterInstance
) -> None:
    """The Parquet file and the column schema in the UI say the same, and nothing says "see the metric".

    Events do not repeat the columns of the definition, in which those are that a session may have.
    """
    assets = {spec.key: spec for spec in build_defs(platform).resolve_all_asset_specs()}
    for source in ("ibl", "allen_vc"):
        (session_id,) = platform.manifest(source).session_ids
        stored = pq.read_schema(platform.store.folder(source, session_id, "units") / "units.parquet")
        words = {
            field.name: {key.decode(): value.decode() for key, value in field.metadata.items()} for field in stored
        }
        assert [name for name, one in words.items() if one["unit"].startswith("see")] == []
        assert words["ibl.amp_median@2022-10"]["unit"] == "V"
        assert words["ibl.firing_rate@2022-10"]["unit"] == "Hz"
        event = instance.get_latest_materialization_event(dg.AssetKey([source, "units"]))
        assert event is not None
        assert event.asset_materialization is not None
        assert "dagster/column_schema" not in event.asset_materialization.metadata
        assert event.asset_materialization.metadata["columns"].value == len(stored.names)
        shown = assets[dg.AssetKey([source, "units"])].metadata["dagster/column_schema"]
        types = {column.name: column.type for column in shown.columns}
        assert set(types) >= set(stored.names)
        assert all(name.startswith("released.") for name in set(types) - set(stored.names))
        assert types["ibl.spike_count@2022-10"] == "int64"
        assert types["ibl.bitwise_fail@2022-10"] == "uint8"
        for column in (one for one in shown.columns if one.name in words):
            meaning, unit = words[column.name]["meaning"], words[column.name]["unit"]
            assert column.description == (meaning if unit == "-" else f"[{unit}] {meaning}")
    assert words["released.amplitude"]["unit"] == "V"
    assert types["released.quality"] == "string"
    assert types["released.valid_data"] == "bool"


def test_histograms_of_a_stored_session_are_those_of_its_spikes(platform: Platform) -> None:
    (session_id,) = platform.manifest("ibl").session_ids
    session = open_store(platform.store.root).session("ibl", session_id)
    intervals, lags = session.isi_histograms, session.autocorrelograms
    assert intervals.counts.shape == (24, 60)
    assert lags.counts.shape == (24, 100)
    assert lags.counts.sum() > 0
    for row in range(24):
        apart = np.diff(session.spikes.of_unit(row))
        inside = (apart >= intervals.edges_s[0]) & (apart < intervals.edges_s[-1])
        assert intervals.counts[row].sum() == inside.sum()
    left_out = session.provenance("units").left_out
    assert any("have fewer than two spikes" in text for text in left_out)


def test_a_good_session_has_green_checks(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    (outcome,) = materialize(make_home(tmp_path, ("ibl",)), instance, "ibl")
    assert (outcome.success, outcome.warned) == (True, ())
    assert outcome.checks_passed >= 4


def test_units_say_in_words_why_they_fail(platform: Platform) -> None:
    (session_id,) = platform.manifest("ibl").session_ids
    units = open_store(platform.store.root).session("ibl", session_id).units
    failing = units[~units["pass.ibl-2022-10"]]
    assert len(failing) > 0
    assert failing["reason.ibl-2022-10"].str.contains(r"noise_cutoff|amp_median|max_confidence").all()
    assert (units.loc[units["pass.ibl-2022-10"], "reason.ibl-2022-10"] == "").all()


def test_rulebooks_of_other_tools_judge_beside_the_active_one_where_they_are_asked_for(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    make_home(tmp_path, ("ibl",))
    text = (RULEBOOK_DIR / "aind-2026-06.yaml").read_text().replace("id: aind-2026-06", "id: lab-own")
    fallback = (
        "metric: spikeinterface.amplitude_cutoff@0.105\n    fallback: {metric: ibl.noise_cutoff@2022-10, threshold: 5}"
    )
    (tmp_path / "own.yaml").write_text(text.replace("metric: spikeinterface.amplitude_cutoff@0.105", fallback))
    settings = tmp_path / "sources.yaml"
    asked = "  rulebook: own.yaml\n  also_rulebooks: [aind-2026-06, bombcell-2026-10]\n"
    settings.write_text(settings.read_text() + asked, encoding="utf-8")
    home = Platform(load_settings(tmp_path))
    (outcome,) = materialize(home, instance, "ibl", assets=["raw_spikes", "units"])
    assert outcome.success, outcome.errors
    session = open_store(home.store.root).session("ibl", outcome.plan.session_id)
    units = session.units
    cutoff = units["spikeinterface.amplitude_cutoff@0.105"]
    assert cutoff.isna().any()
    assert cutoff.notna().any()
    assert (units["rule.aind-2026-06.amplitude_cutoff"] == (cutoff <= 0.1)).all()
    by_fallback = cutoff.isna() & units["ibl.noise_cutoff@2022-10"].notna()
    assert ((units["fallback.lab-own"] & 4 > 0) == by_fallback).all()
    assert "fallback.aind-2026-06" not in units
    assert units.loc[units["pass.bombcell-2026-10"], "spikeinterface.num_spikes@0.105"].min() >= 300
    assert any("rule snr" in text and "is judged without it" in text for text in session.provenance("units").left_out)


def test_a_session_without_good_units_is_a_warning_and_still_has_windows(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    make_home(tmp_path, ("ibl",))
    rulebook = tmp_path / "nothing-is-good.yaml"
    rulebook.write_text(NO_UNIT_PASSES, encoding="utf-8")
    settings = tmp_path / "sources.yaml"
    settings.write_text(settings.read_text() + f"  rulebook: {rulebook}\n  also_rulebooks: []\n", encoding="utf-8")
    home = Platform(load_settings(tmp_path))
    (outcome,) = materialize(home, instance, "ibl")
    assert outcome.success, outcome.errors
    assert [one.word for one in outcome.warned] == ["warns"]
    session = open_store(home.store.root).session("ibl", outcome.plan.session_id)
    assert session.good_units().sum() == 0
    assert session.windows("continuous-1s").counts.dtype == np.uint8


def test_a_removed_asset_is_missing_again(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = make_home(tmp_path, ("ibl",))
    (outcome,) = materialize(home, instance, "ibl")
    session_id = outcome.plan.session_id
    shutil.rmtree(home.store.root / "ibl" / session_id / "units")
    files = home.manifest("ibl").session(session_id)
    assert standing_of(SourcePlan(home, files.session.source), files).stale == ("units",)


def test_a_new_upstream_session_is_registered_and_only_it_is_made(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    home = make_home(tmp_path, ("ibl",))
    (first,) = materialize(home, instance, "ibl")
    write_ibl(tmp_path / "upstream" / "ibl", 1, SEED, size=TINY, first=1)
    (second,) = materialize(Platform(home.settings), instance, "ibl")
    assert second.plan.session_id != first.plan.session_id
    assert second.plan.assets == tuple(session_assets("ibl"))
    assert set(instance.get_dynamic_partitions("ibl_sessions")) >= {first.plan.session_id, second.plan.session_id}
