"""Faults that reviews found in training sets, each as it was seen: they stay mended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nh_platform import operations
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.load import Batches
from nh_platform.session import ConfigError, NhError, StoreError
from nh_platform.store import Store
from nh_platform.store.locking.locks import read_lock
from nh_platform.store.names import TRAINING_SETS
from nh_platform.store.sealed import seal_json, unseal_json
from nh_platform.training_sets import open_training_set
from nh_platform.training_sets.lock_file import read_lock_file
from nh_platform.training_sets.recipe import find_recipe
from nh_platform.training_sets.training_set import make_training_set
from nh_platform_tests.training_sets.conftest import RECIPE, write_recipe
from nh_platform_tests.training_sets.test_stored import first_session, remake

LIST = "id: mine\nversion: 1\nsource: ibl\nsubjects: [{}]\ndescription: d\nwhy: w\n"


def subjects(home: Path) -> list[str]:
    manifest = Platform(load_settings(home)).manifest("ibl")
    return [str(manifest.session(one).session.subject) for one in sorted(manifest.session_ids)]


def test_an_edited_list_makes_another_version_and_a_locked_one_stays(home: Path) -> None:
    animals = subjects(home)
    own = home / "lists" / "mine.yaml"
    own.parent.mkdir()
    own.write_text(LIST.format(animals[0]), encoding="utf-8")
    write_recipe(home, RECIPE + "  reserved: [lists/mine.yaml]\n")
    first = operations.build_training_set(home, "tiny")
    operations.lock_training_set(home, "tiny")
    own.write_text(LIST.format(f"{animals[0]}, {animals[1]}"), encoding="utf-8")
    moved = operations.build_training_set(home, "tiny")
    assert {one.kind for one in moved.leaks} == {"moved"}  # what trained before is tested now
    write_recipe(home, RECIPE.replace("id: tiny", "id: tinier") + "  reserved: [lists/mine.yaml]\n")
    assert operations.build_training_set(home, "tinier").content.digest != first.content.digest
    assert open_training_set("tiny@1", home).content.digest == first.content.digest
    lock = operations.lock_training_set(home, "tiny", home / "a.json")[1]
    assert lock.files == {"lists/mine.yaml": LIST.format(animals[0])}  # as it was when the set was built


def test_shares_have_one_order_whatever_the_file_has(home: Path, tmp_path: Path) -> None:
    write_recipe(home, RECIPE + "  shares: {test: 30, train: 60, valid: 10}\n")
    made = operations.build_training_set(home, "tiny")
    for ranges in made.content.ranges_of().values():
        assert ranges["train"][-1, 1] < ranges["valid"][0, 0] < ranges["test"][0, 0]
    operations.lock_training_set(home, "tiny", tmp_path / "a.json")
    other = tmp_path / "other"
    shutil.copytree(home, other)
    shutil.rmtree(other / "store" / TRAINING_SETS)
    shutil.rmtree(other / "training_sets")
    assert operations.reproduce_training_set(other, tmp_path / "a.json").is_same


def test_a_lock_of_an_earlier_version_keeps_that_version(home: Path) -> None:
    first = operations.build_training_set(home, "tiny")
    write_recipe(home, RECIPE.replace("units: all", "units: good"))
    assert operations.build_training_set(home, "tiny").number == 2
    operations.lock_training_set(home, "tiny@1")
    assert open_training_set("tiny@1", home).content.digest == first.content.digest
    assert operations.verify_training_set(home, "tiny@1").problems == ()


def test_a_version_that_is_replaced_while_it_is_locked_leaves_no_lock(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform.operations.upkeep import locking

    operations.build_training_set(home, "tiny")
    real = locking.lock_places

    def slow(*given: object, **stated: object) -> object:
        remake(home, "units", first_session(home))
        return real(*given, **stated)

    monkeypatch.setattr(locking, "lock_places", slow)
    with pytest.raises(StoreError, match=r"units of ibl session .* was published anew while it was locked"):
        operations.lock_training_set(home, "tiny")
    assert operations.locks_of(home) == []


@pytest.mark.parametrize("name", ["../outside.yaml", "/outside.yaml", "store", "a/../../b.yaml"])
def test_a_lock_file_writes_into_its_home_alone(home: Path, tmp_path: Path, name: str) -> None:
    operations.build_training_set(home, "tiny")
    operations.lock_training_set(home, "tiny", tmp_path / "a.json")
    content = unseal_json((tmp_path / "a.json").read_bytes())
    (tmp_path / "b.json").write_bytes(seal_json({**content, "files": {name: "text"}}))
    with pytest.raises(ConfigError, match="is no YAML file of a home folder"):
        operations.reproduce_training_set(home, tmp_path / "b.json")
    (tmp_path / "b.json").write_bytes(seal_json({**content, "id": "../evil"}))
    with pytest.raises(ConfigError, match="not the file of a locked set"):
        read_lock_file(tmp_path / "b.json")


def test_every_version_is_held_against_the_next(home: Path) -> None:
    ids = sorted(Store(home / "store").sessions("ibl"))
    only = "units: all, sessions: [{}]"
    operations.build_training_set(home, "tiny")
    write_recipe(home, RECIPE.replace("units: all", only.format(ids[0])))
    assert operations.build_training_set(home, "tiny").number == 2
    wide = "  shares: {train: 90, valid: 5, test: 5}\n"
    write_recipe(home, RECIPE.replace("units: all", only.format(ids[1])) + wide)
    assert {one.kind for one in operations.build_training_set(home, "tiny").leaks} == {"moved"}


def test_what_was_held_out_or_tested_as_a_whole_never_trains_under_the_same_name(home: Path) -> None:
    held = subjects(home)[0]
    write_recipe(home, RECIPE + f"  hold_out_subjects: [{held}]\n")
    operations.build_training_set(home, "tiny")
    write_recipe(home, RECIPE)
    assert {one.kind for one in operations.build_training_set(home, "tiny").leaks} == {"moved"}


def test_embeddings_join_sessions_that_are_held_out_behind_their_reference_window(home: Path) -> None:
    recipe = RECIPE.replace("split:", "embeddings: true\nsplit:") + f"  hold_out_subjects: [{subjects(home)[0]}]\n"
    write_recipe(home, recipe)
    assert operations.build_training_set(home, "tiny").leaks == ()
    windows = open_training_set("tiny", home).windows("held_out")
    (window,) = {tuple(rows) for part in windows.parts for rows in [part.start[:1].tolist()]}
    session = open_training_set("tiny", home).session(windows.parts[0].session_id)
    assert window[0] >= session.embeddings_window.stop
    assert windows[0].embeddings is not None


def test_regions_are_those_of_the_atlas_and_what_lies_below(home: Path) -> None:
    platform = Platform(load_settings(home))
    write_recipe(home, RECIPE.replace("units: all", "units: all, regions: [VISp, CAl]"))
    with pytest.raises(ConfigError, match="region 'CAl'"):
        make_training_set(platform, find_recipe(home, "tiny"))
    write_recipe(home, RECIPE.replace("units: all", "units: all, regions: [Isocortex, HPF, TH, CTXsp, STR, MB, HB]"))
    found = make_training_set(platform, find_recipe(home, "tiny")).tables["set_units"]
    assert len(found)


def test_batches_of_several_sessions_are_scaled_unit_by_unit(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    opened = open_training_set("tiny", home)
    windows = opened.windows("train")
    batch = Batches(windows, 8, seed=1, unit_dropout=0.2).batch(0)
    scaled = opened.standardise_batch(batch, windows)
    for row, number in enumerate(batch.windows):
        sample = windows[int(number)]
        one = opened.standardise(sample.counts, sample.session_id)
        of_unit = {unit: one[k] for k, unit in enumerate(sample.unit_numbers)}
        for place in np.flatnonzero(batch.unit_mask[row]):
            np.testing.assert_allclose(scaled[row, place], of_unit[batch.units[row, place]], rtol=1e-6)
    assert (scaled[~batch.valid] == 0).all()
    with pytest.raises(ConfigError, match="counts of session"):
        opened.standardise(batch.counts, windows[0].session_id)


def test_backups_hold_recipes_and_what_they_name(home: Path, tmp_path: Path) -> None:
    own = home / "lists" / "mine.yaml"
    own.parent.mkdir()
    own.write_text(LIST.format(subjects(home)[0]), encoding="utf-8")
    write_recipe(home, RECIPE + "  reserved: [lists/mine.yaml]\n")
    made = operations.backup(home, tmp_path / "backups")
    operations.restore(made.folder, tmp_path / "again")
    for name in ("training_sets/tiny.yaml", "lists/mine.yaml"):
        assert (tmp_path / "again" / name).read_text() == (home / name).read_text()


def test_splits_without_windows_and_odd_numbers_are_refused(home: Path) -> None:
    platform = Platform(load_settings(home))
    events = RECIPE.replace("units: all", "units: all, presets: [stim-halves-500ms]")
    write_recipe(home, events + "  shares: {train: 98, valid: 1, test: 1}\n")
    with pytest.raises(NhError, match="no valid window lies in that split"):
        make_training_set(platform, find_recipe(home, "tiny"))
    for change, expected in (
        ("shares: {train: 101, valid: -1, test: 0}", "a share is negative"),
        ("shares: {test: 100}", "shares leave nothing to train"),
        ("folds: 9", "folds are of use with blocks alone"),
    ):
        write_recipe(home, RECIPE + f"  {change}\n")
        with pytest.raises(ConfigError, match=expected):
            find_recipe(home, "tiny")


def test_the_lock_of_a_set_names_its_own_version(home: Path) -> None:
    operations.build_training_set(home, "tiny")
    name, content = operations.lock_training_set(home, "tiny")
    kept = {(one.source, one.session_id, one.asset) for one in read_lock(home / "store", name).versions}
    assert (TRAINING_SETS, "tiny", "training_set") in kept
    groups = next(iter(content.sources["ibl"].sessions.values()))
    assert {"spikes", "events"} <= set(groups)
    assert json.dumps(content.model_dump(mode="json"))
