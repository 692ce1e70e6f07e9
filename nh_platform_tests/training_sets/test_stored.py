"""A stored set: versions, reading, verification, locks, the same set made elsewhere, and what each refuses."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner

from nh_platform import operations
from nh_platform.cli.app import app
from nh_platform.defs.across_sessions.training_sets import JOB, NO_LEAKS, build_training_set_asset
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.reading import open_store
from nh_platform.session import ConfigError, NhError, StoreError, UnknownSession
from nh_platform.store import Store
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets import open_training_set
from nh_platform.training_sets.auditing import audited
from nh_platform.training_sets.recipe import find_recipe
from nh_platform_tests.training_sets.conftest import RECIPE, write_recipe


def remake(home: Path, asset: str, session_id: str) -> None:
    """Publish an asset of a session anew, as another version of the same bytes."""
    store = Store(home / "store")
    folder, record = store.folder("ibl", session_id, asset), store.provenance("ibl", session_id, asset)
    assert record is not None
    changed = record.model_copy(update={"data_version": record.data_version[::-1], "files": {}})
    with store.publish(changed) as target:
        for path in folder.iterdir():
            if path.name != "provenance.json":
                (shutil.copytree if path.is_dir() else shutil.copy)(path, target / path.name)


def first_session(home: Path) -> str:
    return sorted(Store(home / "store").sessions("ibl"))[0]


def test_a_set_is_stored_once_and_again_when_it_differs(home: Path) -> None:
    planned = operations.build_training_set(home, "tiny", dry_run=True)
    assert (planned.number, planned.is_new) == (None, True)
    assert Store(home / "store").sessions(TRAINING_SETS) == []
    first = operations.build_training_set(home, "tiny")
    again = operations.build_training_set(home, "tiny")
    assert (first.number, first.is_new, again.number, again.is_new) == (1, True, 1, False)
    assert first.content.digest == again.content.digest
    write_recipe(home, RECIPE.replace("units: all", "units: good"))
    second = operations.build_training_set(home, "tiny")
    assert (second.number, second.is_new) == (2, True)
    found = operations.compare_training_sets(home, "tiny@1", "tiny@2")
    assert set(found["kind"]) == {"setting", "units", "statistics"}
    setting = found[found["kind"] == "setting"].iloc[0]
    assert (setting["before"], setting["after"]) == ("sources.ibl.units all", "sources.ibl.units good")
    assert operations.compare_training_sets(home, "tiny@2", f"{home}:tiny").empty
    with pytest.raises(UnknownSession, match="Use one of: tiny@1, tiny@2"):
        operations.compare_training_sets(home, "tiny@3", "tiny")
    assert open_store(home).sources() == ["allen_vc", "ibl"]  # sets are no source


def test_sessions_that_join_move_none(home: Path) -> None:
    ids = sorted(Store(home / "store").sessions("ibl"))
    write_recipe(home, RECIPE.replace("units: all", f"units: all, sessions: [{ids[0]}, {ids[1]}]"))
    operations.build_training_set(home, "tiny")
    write_recipe(home, RECIPE)
    assert operations.build_training_set(home, "tiny").number == 2
    found = operations.compare_training_sets(home, "tiny@1", "tiny@2")
    assert found["kind"].value_counts().to_dict() == {"setting": 1, "session": 1}


def test_a_leak_is_kept_out_of_the_store_and_in_the_history_of_its_check(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    write_recipe(home, RECIPE + "  shares: {train: 90, valid: 5, test: 5}\n")
    with dg.DagsterInstance.ephemeral() as instance:
        at = OpenHome(Platform(load_settings(home)), instance)
        leaking = operations.build_training_set(at, "tiny")
        assert {one.kind for one in leaking.leaks} == {"moved"}
        key = dg.AssetCheckKey(dg.AssetKey(["training_set"]), NO_LEAKS)
        (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        evaluation = record.evaluation
        assert evaluation is not None
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert str(evaluation.description).startswith("Set tiny: ")
    assert operations.training_set_named(home, "tiny")[0] == 1


def test_a_set_is_made_in_the_page_by_its_partition(home: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        asset = build_training_set_asset(Platform(load_settings(home)))
        assert asset.check_specs_by_output_name
        assert next(iter(asset.check_specs)).blocking
        instance.add_dynamic_partitions("training_sets", ["tiny", "lacking"])
        job = dg.Definitions(
            assets=[asset], jobs=[dg.define_asset_job(JOB, selection=dg.AssetSelection.assets(asset))]
        ).resolve_job_def(JOB)
        assert job.execute_in_process(instance=instance, partition_key="tiny").success
        failed = job.execute_in_process(instance=instance, partition_key="lacking", raise_on_error=False)
        (failure,) = [event for event in failed.all_events if event.is_step_failure]
        assert "there is no recipe of that name" in str(failure.step_failure_data.user_failure_data.description)
    assert operations.training_set_named(home, "tiny")[0] == 1


def test_windows_of_a_split_lie_in_its_stretches(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    opened = open_training_set("tiny", home)
    assert repr(opened) == "OpenTrainingSet('tiny@1', sessions: divided=3)"
    assert "tiny@1" in opened._repr_html_()
    assert opened.terms["ibl"].startswith("Creative Commons")
    seen: dict[str, set[tuple[str, int]]] = {}
    for split in ("train", "valid", "test"):
        windows = opened.windows(split)
        counted = opened.content.tables["set_windows"]
        assert len(windows) == counted.loc[counted["split"] == split, "n_windows"].sum()
        seen[split] = {(one.session_id, one.window_id) for one in (windows[i] for i in range(len(windows)))}
        ranges = opened.content.ranges_of()
        for part in windows.parts:
            ((start, stop),) = ranges["ibl", part.session_id][split]
            assert part.start.min() >= start
            assert part.stop.max() <= stop
    assert not seen["train"] & (seen["test"] | seen["valid"])
    sample = opened.windows("train")[0]
    of = opened.statistics(sample.session_id)
    assert of["unit_id"].tolist() == sample.unit_ids.tolist()
    assert of["own"].all()
    scaled = opened.standardise(sample.counts, sample.session_id)
    spread = of["std"].to_numpy()[:, None]
    expected = (sample.counts - of["mean"].to_numpy()[:, None]) / np.where(spread > 0, spread, np.inf)
    np.testing.assert_allclose(scaled, expected, rtol=1e-6)
    for call, text in (
        (lambda: opened.windows("tain"), "Did you mean.*train"),
        (lambda: opened.windows("train", "continous-1s"), "Did you mean.*continuous-1s"),
        (lambda: opened.windows("train", sources="allen_vc"), "Use ibl"),
        (lambda: opened.session("nobody"), "it is not in training set tiny"),
    ):
        with pytest.raises(NhError, match=text):
            call()


def test_embeddings_join_where_they_saw_training_data_alone(home: Path) -> None:
    write_recipe(home, RECIPE.replace("split:", "embeddings: true\nsplit:"))
    built = operations.build_training_set(home, "tiny")
    assert built.leaks == ()
    made = open_training_set("tiny", home)
    about = built.content.header["vectors"]["sources"]["ibl"]
    assert (about["reference_windows"], about["n_units"]) == ({"start-30s": 3}, len(made.units))
    sample = made.windows("test")[0]
    assert sample.embeddings is not None
    assert sample.embeddings.shape == (len(sample.unit_ids), len(made.vector_names))
    vectors = made.unit_vectors(sample.session_id)
    np.testing.assert_array_equal(sample.embeddings, vectors.values)
    assert vectors.unit_ids.tolist() == list(sample.unit_ids)
    assert np.isfinite(vectors.values).all()
    assert made.explained_variance.index[0] == "hist_pc_00"
    assert made.explained_variance.is_monotonic_decreasing
    parts = [made.unit_vectors(one) for one in made.sessions["session_id"]]
    every = np.concatenate([one.values for one in parts])[~np.concatenate([one.is_silent for one in parts])]
    rate = every[:, made.vector_names.index("log10_rate")]
    assert (abs(rate.mean()), rate.std()) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))


def test_embeddings_of_the_whole_session_are_one_leak_of_each_session(home: Path) -> None:
    write_recipe(home, RECIPE.replace("split:", "embeddings: true\nsplit:"))
    path = home / "sources.yaml"
    path.write_text(path.read_text().replace("ibl:\n", "ibl:\n  reference_window: whole-session\n"), encoding="utf-8")
    assert all(one.success for one in operations.materialize(home, "ibl").outcomes)
    leaks = operations.build_training_set(home, "tiny", dry_run=True).leaks
    assert [one.kind for one in leaks] == ["reference window"] * 3


SPREAD = RECIPE.replace("ibl: {units: all}", "allen_vc: {units: all}").replace("split:", "embeddings: true\nsplit:")


def test_intervals_of_a_reference_window_are_cut_out_of_what_is_tested(home: Path) -> None:
    """Simulated sessions of Visual Coding are grey between all blocks of stimuli, to their end."""
    write_recipe(home, SPREAD)
    built = operations.build_training_set(home, "tiny")
    assert built.leaks == ()
    made = open_training_set("tiny", home)
    for (source, session_id), stretches in built.content.ranges_of().items():
        seen = made.session(session_id, source).embeddings_window.stretches
        fitted = built.content.tables["set_fitted"].query("session_id == @session_id")
        np.testing.assert_array_equal(fitted[["start", "stop"]].to_numpy(), seen)
        beyond = seen[seen[:, 1] > stretches["train"][-1, 1]]
        assert len(beyond)
        for split in ("valid", "test"):
            for start, stop in stretches[split]:
                assert ((beyond[:, 1] <= start - 2 + 1e-9) | (beyond[:, 0] >= stop + 2 - 1e-9)).all()
    assert made.windows("test")[0].embeddings is not None


def test_a_gap_that_leaves_nothing_between_intervals_names_one_and_another_window(home: Path) -> None:
    write_recipe(home, SPREAD.replace("gap_s: 2", "gap_s: 30"))
    with pytest.raises(
        ConfigError,
        match=r"source allen_vc: nothing of it is left; .*reference window spontaneous-300s.* and 30 s around each "
        r"leave nothing of (valid|test); `reference_window: start-30s`",
    ):
        operations.build_training_set(home, "tiny")


def test_sessions_that_are_held_out_are_tested_around_their_reference_window(home: Path) -> None:
    session_id = sorted(Store(home / "store").sessions("allen_vc"))[0]
    write_recipe(home, SPREAD + f"  hold_out_sessions: ['{session_id}']\n")
    built = operations.build_training_set(home, "tiny")
    assert built.leaks == ()
    seen = open_training_set("tiny", home).session(session_id).embeddings_window.stretches
    held = built.content.ranges_of()["allen_vc", session_id]["held_out"]
    np.testing.assert_array_equal(held[1 : len(seen)], np.stack([seen[:-1, 1], seen[1:, 0]], axis=1))


def test_vectors_that_saw_what_is_tested_are_a_leak(home: Path) -> None:
    """A fit that a set states on a session that tests, or on time that does, is found by the audit."""
    write_recipe(home, RECIPE.replace("split:", "embeddings: true\nsplit:"))
    content = operations.build_training_set(home, "tiny", dry_run=True).content
    platform = Platform(load_settings(home))
    assert audited(platform, content) == []
    fitted = content.tables["set_fitted"].assign(stop=1e4)
    leaks = audited(platform, replace(content, tables={**content.tables, "set_fitted": fitted}))
    assert [one.kind for one in leaks] == ["normalisation"] * 3


def test_a_set_of_whose_units_the_window_describes_none_is_refused(home: Path) -> None:
    path = home / "sources.yaml"
    text = path.read_text().replace("allen_vc:\n", "allen_vc:\n  reference_window: task-60s\n")  # of no task
    path.write_text(text, encoding="utf-8")
    assert all(one.success for one in operations.materialize(home, "allen_vc", assets=("unit_embeddings",)).outcomes)
    write_recipe(home, SPREAD)
    found = r"units of allen_vc that train: none of \d+ fired enough in the reference window task-60s .*--missing"
    with pytest.raises(ConfigError, match=found):
        operations.build_training_set(home, "tiny")


def test_a_set_without_embeddings_has_no_vectors(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    made = open_training_set("tiny", home)
    assert made.vector_names == ()
    with pytest.raises(ConfigError, match="does not join embeddings"):
        made.unit_vectors(first_session(home))


def test_what_was_published_since_is_refused_and_kept_by_a_lock(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    session_id = first_session(home)
    assert operations.verify_training_set(home, "tiny").problems == ()
    lock, _ = operations.lock_training_set(home, "tiny")
    assert lock == "tiny.1"
    before = open_training_set("tiny", home).windows("train")[0].counts
    remake(home, "spike_events", session_id)
    kept = operations.verify_training_set(home, "tiny")
    assert (kept.problems, kept.is_locked) == ((), True)
    np.testing.assert_array_equal(open_training_set("tiny", home).windows("train")[0].counts, before)
    operations.unlock(home, lock)
    with pytest.raises(StoreError, match=r"spike_events of ibl session .* was published since.*train-set lock tiny"):
        open_training_set("tiny", home).windows("train")
    (problem,) = operations.verify_training_set(home, "tiny").problems
    assert "another version was published since" in problem
    with pytest.raises(StoreError, match=r"1 of what it names cannot be kept"):
        operations.lock_training_set(home, "tiny")
    assert operations.build_training_set(home, "tiny").number == 2
    found = operations.compare_training_sets(home, "tiny@1", "tiny@2")
    assert found["kind"].tolist() == ["version"]


def test_damage_is_found(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    folder = Store(home / "store").folder("ibl", first_session(home), "windows")
    path = folder / "index.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    (problem,) = operations.verify_training_set(home, "tiny").problems
    assert "windows of ibl session" in problem
    own = Store(home / "store").folder(TRAINING_SETS, "tiny", "training_set") / "training_set.json"
    own.write_text(own.read_text().replace("causal", "casual"))
    with pytest.raises(NhError, match=r"training_set\.json"):
        open_training_set("tiny", home)
    found = operations.verify(home)
    assert {one.asset for one in found.damages} == {"windows", "training_set"}
    mended = operations.verify(home, repair=True)
    assert mended.remaining == ()
    assert operations.verify_training_set(home, "tiny").problems == ()


def test_the_same_set_is_made_elsewhere(home: Path, tmp_path: Path) -> None:
    made = operations.build_training_set(home, "tiny")
    file = tmp_path / "tiny.lock.json"
    operations.lock_training_set(home, "tiny", file)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copytree(home / "upstream", other / "upstream")
    (other / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: upstream/ibl}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        operations.reproduce_training_set(other, file)
    assert refused.value.found == "also_assets of ibl are other than the set was locked with"
    assert (
        refused.value.action
        == "State in the entry of each source in sources.yaml:\nibl:\n  also_assets: [spike_events]"
    )
    with (other / "sources.yaml").open("a", encoding="utf-8") as stream:
        stream.write("  also_assets: [spike_events]\n")
    planned = operations.reproduce_training_set(other, file, dry_run=True)
    assert (len(planned.to_make), planned.digest) == (3, "")
    found = operations.reproduce_training_set(other, file)
    assert all(one.success for one in found.outcomes)
    assert found.is_same, found.differing
    assert found.digest == made.content.digest
    assert operations.compare_training_sets(other, f"{home}:tiny", "tiny").empty
    again = operations.reproduce_training_set(other, file)
    assert (again.to_make, again.is_same) == ((), True)
    lost = json.loads(file.read_text())
    assert set(lost["versions"]) == {
        "/".join(key) for key in made.content.tables["set_versions"][["source", "session_id", "asset"]].to_numpy()
    }
    file.write_text(file.read_text().replace("tiny", "tinny"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"tiny\.lock\.json: it cannot be read"):
        operations.reproduce_training_set(other, file)


def test_a_home_that_describes_units_from_another_window_is_told_which(home: Path, tmp_path: Path) -> None:
    write_recipe(home, RECIPE.replace("split:", "embeddings: true\nsplit:"))
    operations.build_training_set(home, "tiny")
    file, stated = tmp_path / "tiny.lock.json", home / "sources.yaml"
    _, content = operations.lock_training_set(home, "tiny", file)
    stated.write_text(stated.read_text().replace("ibl:\n", "ibl:\n  reference_window: start-20s\n"), encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"reference_window of ibl are other .*sources.yaml:\nibl:\n  reference_window: start-30s"
    ):
        operations.reproduce_training_set(home, file)
    unstated = content.sources["ibl"].model_copy(update={"reference_window": ""})  # a lock of before
    content.model_copy(update={"sources": {"ibl": unstated}}).write(file)
    assert operations.reproduce_training_set(home, file).is_same


def test_upstream_that_changed_since_is_refused(home: Path, tmp_path: Path) -> None:
    operations.build_training_set(home, "tiny")
    file = tmp_path / "tiny.lock.json"
    _, content = operations.lock_training_set(home, "tiny")
    source = content.sources["ibl"]
    session_id = next(iter(source.sessions))
    spoilt = source.model_copy(
        update={"sessions": {**source.sessions, session_id: {**source.sessions[session_id], "spikes": "0" * 64}}}
    )
    content.model_copy(update={"sources": {"ibl": spoilt}}).write(file)
    with pytest.raises(UnknownSession, match=rf"upstream holds other files .* 1 of its 3 sessions: {session_id}"):
        operations.reproduce_training_set(home, file)


def test_commands_say_what_a_set_holds(home: Path, tmp_path: Path) -> None:
    runner = CliRunner()

    def nh(*words: str, code: int = 0) -> str:
        result = runner.invoke(app, ["--home", str(home), "train-set", *words], env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result.output

    assert "not built" in nh("list")
    assert "Nothing was stored" in nh("build", "tiny", "--dry-run")
    assert "Stored as tiny@1. No leak." in nh("build", "tiny")
    assert "tiny@1 is as it was" in nh("build", "tiny")
    shown = nh("show", "tiny")
    assert "divided by causal" in shown
    assert "https://doi.org/10.1038/s41586-025-09235-0" in shown
    assert nh("show", "tiny", "--format", "csv").count("divided") == 3
    assert "all there and intact, no leak; no lock keeps them" in nh("verify", "tiny")
    assert "versions are kept" in nh("lock", "tiny", "--out", str(tmp_path / "a.json"))
    assert "a lock keeps them" in nh("verify", "tiny")
    assert "The same set, stored as tiny:" in nh("reproduce", str(tmp_path / "a.json"))
    assert "They are the same." in nh("diff", "tiny@1", "tiny")
    own = tmp_path / "own.yaml"
    own.write_text(RECIPE.replace("tiny", "own").replace("units: all", "units: good"), encoding="utf-8")
    assert "Stored as own@1" in nh("build", str(own))
    assert "differences:" in nh("diff", "tiny", "own")
    assert (home / "training_sets" / "own.yaml").read_text() == own.read_text()
    own.write_text(own.read_text() + "  shares: {train: 90, valid: 5, test: 5}\n", encoding="utf-8")
    nh("build", str(own), code=1)
    write_recipe(home, RECIPE.replace("tiny", "vectors").replace("split:", "embeddings: true\nsplit:"))
    nh("build", "vectors")
    shown = nh("show", "vectors")
    assert re.search(r"vectors of units \d+ entries, fitted on \d+ units of 3 sessions", shown)
    assert re.search(r"components of the histograms: 10, \d+\.\d % of their variance", shown)
    assert re.search(r"ibl: reference window start-30s \(3 sessions\); \d+ of 72 units fire too little in it", shown)
    assert "encoders: " in shown
    assert "vectors of units" not in nh("show", "tiny")


def test_the_example_of_the_page_runs(home: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "training-sets.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    write_recipe(home, RECIPE.replace("tiny", "demo"))
    operations.build_training_set(home, "demo")
    names: dict[str, object] = {}
    exec(compile(code.replace('"data/demo"', repr(str(home))), "training-sets.md", "exec"), names)
    assert names["scaled"].shape[0] == 32  # type: ignore[attr-defined]
    (recipe,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    assert find_recipe(home, str(write_recipe(home, recipe))).split.gap_s == 20
