"""What a recipe comes to: sessions, units, splits and statistics; and what is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.embeddings.units.reference_windows import UsedWindow
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.training_sets.auditing import audited
from nh_platform.training_sets.recipe import Recipe, find_recipe, read_recipe
from nh_platform.training_sets.selection import select
from nh_platform.training_sets.training_set import TrainingSet, make_training_set
from nh_platform.windows.splits import causal_ranges
from nh_platform_tests.training_sets.conftest import RECIPE, write_recipe


def a_recipe(split: dict[str, Any] | None = None, **sources: Any) -> Recipe:
    stated = sources or {"ibl": {"units": "all"}}
    return Recipe.model_validate({"id": "a", "sources": stated, "split": split or {"by": "causal", "gap_s": 2}})


@pytest.fixture(scope="module")
def made(platform: Platform) -> TrainingSet:
    return make_training_set(platform, a_recipe())


def test_every_stored_session_is_divided_with_its_units(made: TrainingSet, platform: Platform) -> None:
    sessions = made.tables["set_sessions"]
    assert sessions["split"].tolist() == ["divided"] * 3
    assert sessions["session_id"].tolist() == sorted(platform.store.sessions("ibl"))
    first = SessionView(platform.store, "ibl", sessions["session_id"][0])
    units = made.tables["set_units"]
    assert units.loc[units["session_id"] == first.session_id, "unit_id"].tolist() == first.units["unit_id"].tolist()
    recorded = first.spikes.recorded_time
    expected = causal_ranges(recorded.start, recorded.stop, gap_s=2)
    found = made.ranges_of()["ibl", first.session_id]
    assert {name: one.tolist() for name, one in found.items()} == {n: one.tolist() for n, one in expected.items()}
    assert audited(platform, made) == []


def test_versions_are_of_what_windows_are_read_from(made: TrainingSet, platform: Platform) -> None:
    versions = made.tables["set_versions"]
    assert set(versions["asset"]) == {"raw_spikes", "events", "units", "windows", "spike_events"}
    for row in versions.itertuples():
        assert row.data_version == platform.store.data_version(row.source, row.session_id, row.asset)


def test_statistics_are_those_of_the_training_windows(made: TrainingSet, platform: Platform) -> None:
    statistics = made.tables["set_statistics"]
    for session_id, rows in statistics.groupby("session_id"):
        view = SessionView(platform.store, "ibl", str(session_id))
        windows, ranges = view.windows("continuous-1s"), made.ranges_of()["ibl", str(session_id)]["train"]
        index = windows.index
        used = index["valid"] & (index["start"] >= ranges[0, 0]) & (index["stop"] <= ranges[0, 1])
        counts = windows.counts[used.to_numpy()].astype(float)
        np.testing.assert_allclose(rows["mean"], counts.mean(axis=(0, 2)))
        np.testing.assert_allclose(rows["std"], counts.std(axis=(0, 2)))
        assert (rows["n_bins"] == used.sum() * 50).all()
    pooled = made.header["statistics"]["continuous-1s"]
    weights = statistics["n_bins"]
    assert pooled["mean"] == pytest.approx(np.average(statistics["mean"], weights=weights))
    assert pooled["n_units"] == len(statistics)


def test_windows_around_events_are_summed_up_without_masked_bins(platform: Platform) -> None:
    split = {"by": "causal", "gap_s": 2, "shares": {"train": 40, "valid": 30, "test": 30}}
    made = make_training_set(platform, a_recipe(split, ibl={"units": "all", "presets": ["stim-halves-500ms"]}))
    rows = made.tables["set_statistics"]
    session_id = rows["session_id"][0]
    view = SessionView(platform.store, "ibl", session_id).windows("stim-halves-500ms")
    ranges = made.ranges_of()["ibl", session_id]["train"]
    index = view.index
    used = index["valid"] & (index["start"] >= ranges[0, 0]) & (index["stop"] <= ranges[0, 1])
    counts = view.counts[used.to_numpy()].astype(float)
    own = rows[rows["session_id"] == session_id]
    np.testing.assert_allclose(own["mean"], counts.mean(axis=(0, 2)))
    np.testing.assert_allclose(own["std"], counts.std(axis=(0, 2)))


def test_masked_bins_weigh_nothing(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    from nh_platform.training_sets import statistics
    from nh_platform.windows import StoredWindows

    session_id = platform.store.sessions("ibl")[0]
    view = SessionView(platform.store, "ibl", session_id)
    probe = str(view.units["probe"][0])
    mask = {"grid": "grid_20000us", "window_id": -1, "probe": probe, "start_bin": 0, "stop_bin": 250}
    monkeypatch.setattr(StoredWindows, "masks", property(lambda self: pd.DataFrame([mask])))
    found = statistics.summed_up(view, ["continuous-1s"], view.units["unit_id"], {"train": None}).statistics
    n = found.set_index("unit_id")["n_bins"]
    of_probe = view.units.loc[view.units["probe"] == probe, "unit_id"]
    others = view.units.loc[view.units["probe"] != probe, "unit_id"]
    windows = view.windows("continuous-1s").index
    valid = windows[windows["valid"]]
    masked = np.clip(250 - valid["start_bin"], 0, valid["n_bins"]).sum()
    assert set(n[of_probe]) == {int(valid["n_bins"].sum() - masked)}
    if len(others):
        assert set(n[others]) == {int(valid["n_bins"].sum())}


def test_good_units_regions_and_few_units(platform: Platform) -> None:
    good = make_training_set(platform, a_recipe(ibl={}))
    for session_id, n in good.tables["set_units"].groupby("session_id").size().items():
        assert n == SessionView(platform.store, "ibl", str(session_id)).good_units().sum()
    region = good.tables["set_units"]["region"].value_counts().index[0]
    some = make_training_set(platform, a_recipe(ibl={"regions": [region]}))
    assert set(some.tables["set_units"]["region"]) == {region}
    with pytest.raises(UnknownSession, match=r"source ibl: no session of it is left; ibl session .* of at least 5000"):
        make_training_set(platform, a_recipe(ibl={"min_units": 5000}))


def test_held_out_and_reserved_sessions_train_in_no_split(platform: Platform, tmp_path: Path) -> None:
    sessions = make_training_set(platform, a_recipe()).tables["set_sessions"]
    kept, subject, lab = sessions["session_id"][0], sessions["subject"][1], sessions["lab"][2]
    own = tmp_path / "mine.yaml"
    own.write_text(
        f"id: mine\nversion: 1\nsource: ibl\nsubjects: [{subject}]\ndescription: d\nwhy: w\n", encoding="utf-8"
    )
    made = make_training_set(
        platform, a_recipe({"by": "causal", "gap_s": 2, "reserved": [str(own)], "hold_out_labs": [lab]})
    )
    table = made.tables["set_sessions"].set_index("session_id")
    of_lab = sessions.loc[(sessions["lab"] == lab) & (sessions["subject"] != subject), "session_id"]
    assert (table.loc[of_lab, "split"] == "held_out").all()
    assert set(table.loc[table["subject"] == subject, "split"]) == {"reserved"}
    windows = made.tables["set_windows"]
    assert set(windows.loc[windows["session_id"].isin(of_lab), "split"]) == {"held_out"}
    assert not made.tables["set_statistics"]["session_id"].isin(of_lab).any()
    assert audited(platform, made) == []
    region = SessionView(platform.store, "ibl", kept).units["beryl"].dropna().iloc[0]
    views = {one: SessionView(platform.store, "ibl", one) for one in sessions["session_id"]}
    having = {one for one, view in views.items() if (view.units["beryl"] == region).any()}
    if len(having) < len(views):
        away = make_training_set(platform, a_recipe({"by": "causal", "gap_s": 2, "hold_out_regions": [region]}))
        assert set(away.tables["set_sessions"].query("split == 'held_out'")["session_id"]) >= having
    else:
        with pytest.raises(ConfigError, match="every session is kept out"):
            make_training_set(platform, a_recipe({"by": "causal", "gap_s": 2, "hold_out_regions": [region]}))
    with pytest.raises(ConfigError, match="region 'CA9'"):
        make_training_set(platform, a_recipe({"by": "causal", "gap_s": 2, "hold_out_regions": ["CA9"]}))
    named = make_training_set(platform, a_recipe({"by": "causal", "gap_s": 2, "hold_out_sessions": [kept]}))
    assert named.tables["set_sessions"].set_index("session_id").loc[kept, "why"] == "named"


def test_a_subset_is_within_the_larger_one_and_larger_than_the_source_is_refused(platform: Platform) -> None:
    def used(size: int) -> set[str]:
        made = make_training_set(platform, a_recipe({"by": "causal", "gap_s": 2, "subset": size}))
        table = made.tables["set_sessions"]
        assert set(table["split"]) <= {"divided", "not_drawn"}
        return set(table.loc[table["split"] == "divided", "session_id"])

    assert used(1) < used(2) < used(3)
    with pytest.raises(ConfigError, match=r"subset of 100 sessions of allen_vc: there are 3 training sessions"):
        recipe = a_recipe({"by": "causal", "gap_s": 2, "subset": 100}, allen_vc={"units": "all"})
        make_training_set(platform, recipe)


@pytest.mark.parametrize("by", ["blocks", "task-time"])
def test_other_ways_to_divide_in_time(platform: Platform, by: str) -> None:
    made = make_training_set(platform, a_recipe({"by": by, "gap_s": 2}))
    assert audited(platform, made) == []
    splits = {name for one in made.ranges_of().values() for name in one}
    assert splits == ({"train", "test"} if by == "blocks" else {"train", "valid", "test"})


def test_images_of_a_source_that_shows_none_are_refused_by_name(platform: Platform) -> None:
    with pytest.raises(ConfigError) as refused:
        make_training_set(platform, a_recipe(ibl={"presets": ["natural-scenes-250ms"]}))
    assert refused.value.thing == "preset natural-scenes-250ms on ibl"
    assert "by their stimulus_name, and trials of IBL have none" in refused.value.found
    with pytest.raises(ConfigError, match="around 'image change', which IBL does not have"):
        make_training_set(platform, a_recipe(ibl={"presets": ["vbn-change"]}))


def test_what_cannot_be_is_refused_by_name(platform: Platform) -> None:
    with pytest.raises(ConfigError, match="no subject falls into"):
        make_training_set(platform, a_recipe({"by": "subject"}))
    with pytest.raises(ConfigError, match=r"nothing is left of (valid|train|test)"):
        make_training_set(platform, a_recipe({"by": "causal", "gap_s": 5000}))
    with pytest.raises(ConfigError, match="subject 'nobody' that is held out"):
        make_training_set(platform, a_recipe({"by": "causal", "hold_out_subjects": ["nobody"]}))
    with pytest.raises(ConfigError, match=r"'ibll'.*|ibll"):
        make_training_set(platform, a_recipe(ibll={}))
    with pytest.raises(ConfigError, match="made with"):
        session_id = platform.store.sessions("ibl")[0]
        make_training_set(platform, a_recipe(ibl={"sessions": [session_id], "presets": ["poyo-1s"]}))
    with pytest.raises(UnknownSession, match="rulebook 'nobody'"):
        session_id = platform.store.sessions("ibl")[0]
        make_training_set(platform, a_recipe(ibl={"sessions": [session_id], "units": "nobody"}))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("gap_s: 2", "gap: 2"), "gap"),
        (("gap_s: 2", "shares: {train: 80, valid: 10, test: 5}"), "shares add up to 95 and not to 100"),
        (("by: causal", "by: blocks\n  fold: 5"), "fold 5 is none of 5 folds"),
        (("by: causal", "by: blocks\n  shares: {train: 100}"), "of no use with blocks"),
        (("id: tiny", "id: Tiny!"), "id"),
        (("split:", "embeddings: start-30s\nsplit:"), "embeddings"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_by_file_and_line(
    tmp_path: Path, change: tuple[str, str], expected: str
) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE.replace(*change), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        read_recipe(path)
    assert "recipe.yaml" in str(refused.value)
    assert expected in str(refused.value)


def test_recipes_are_found_by_their_id(tmp_path: Path) -> None:
    write_recipe(tmp_path, RECIPE)
    assert find_recipe(tmp_path, "tiny").split.gap_s == 2
    with pytest.raises(ConfigError, match=r"there is no recipe of that name.*Did you mean.*tiny"):
        find_recipe(tmp_path, "tinny")
    write_recipe(tmp_path, RECIPE).rename(tmp_path / "training_sets" / "other.yaml")
    with pytest.raises(ConfigError, match="its id is 'tiny'"):
        find_recipe(tmp_path, "other")


def changed(made: TrainingSet, name: str, **columns: Any) -> TrainingSet:
    return replace(made, tables={**made.tables, name: made.tables[name].assign(**columns)})


def test_each_planted_leak_of_a_set_is_found(made: TrainingSet, platform: Platform) -> None:
    sessions, ranges = made.tables["set_sessions"], made.tables["set_ranges"]
    n = len(sessions)

    def kinds(leaking: TrainingSet, before: TrainingSet | None = None) -> set[str]:
        return {one.kind for one in audited(platform, leaking, [] if before is None else before.parts())}

    assert kinds(made) == set()
    # A subject, and a session of another source, in two splits.
    whole = TrainingSet({**made.header, "recipe": {**made.header["recipe"], "split": {"by": "subject"}}}, made.tables)
    splits = ["train", "valid", "test"][:n]
    first = sessions["session_id"][0]
    normalised = made.tables["set_normalised"]
    normalised = normalised[normalised["session_id"] == first]
    no_ranges = {**whole.tables, "set_ranges": ranges.iloc[:0], "set_normalised": normalised}
    shared = changed(replace(whole, tables=no_ranges), "set_sessions", split=splits)
    assert kinds(shared) == set()
    assert kinds(changed(shared, "set_sessions", subject="one")) == {"subject"}
    assert "session" in kinds(changed(shared, "set_sessions", session_id=sessions["session_id"][0]))
    # Stretches nearer than the gap, and over each other.
    assert kinds(changed(made, "set_ranges", stop=ranges["stop"] + 1.9)) >= {"time"}
    # Statistics of sessions that test.
    assert kinds(changed(shared, "set_normalised", session_id=sessions["session_id"][2])) == {"normalisation"}
    assert kinds(changed(made, "set_normalised", stop=made.tables["set_normalised"]["stop"] + 10)) == {"normalisation"}
    # A split that moved after a session was added.
    assert kinds(changed(shared, "set_sessions", split=["valid", "train", "test"]), shared) >= {"moved"}
    later = changed(made, "set_ranges", start=ranges["start"] + 1, stop=ranges["stop"] + 1)
    later = changed(later, "set_normalised", start=made.tables["set_normalised"]["start"] + 2)
    assert kinds(later, made) == set()
    wide = make_training_set(
        platform, a_recipe({"by": "causal", "gap_s": 2, "shares": {"train": 90, "valid": 5, "test": 5}})
    )
    assert kinds(wide, made) == {"moved"}
    # A reference window that has seen what tests, as that of the whole session has.
    header = {**made.header, "recipe": {**made.header["recipe"], "embeddings": True}}
    joined = TrainingSet(header, made.tables)
    assert kinds(joined) == set()
    spread = UsedWindow("spontaneous-20s", 10.0, 290.0, ((10.0, 20.0), (280.0, 290.0)))
    for window in (UsedWindow("whole-session", 0.0, 300.0), spread):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(SessionView, "embeddings_window", property(lambda _, window=window: window))
            assert kinds(joined) == {"reference window"}


def test_masked_bins_of_windows_around_events_weigh_nothing(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nh_platform.training_sets import statistics
    from nh_platform.windows import StoredWindows

    view = SessionView(platform.store, "ibl", platform.store.sessions("ibl")[0])
    probe, preset = str(view.units["probe"][0]), "stim-halves-500ms"
    used = view.windows(preset).index.query("valid")
    window = int(used["window_id"].iloc[0])
    mask = {"grid": preset, "window_id": window, "probe": probe, "start_bin": 3, "stop_bin": 10}
    monkeypatch.setattr(StoredWindows, "masks", property(lambda self: pd.DataFrame([mask])))
    found = statistics.summed_up(view, [preset], view.units["unit_id"], {"train": None}).statistics
    n = found.set_index("unit_id")["n_bins"]
    counts = view.windows(preset).counts_of(used["window_id"].to_numpy()).astype(float)
    masked = view.units["probe"].eq(probe).to_numpy()
    assert set(n[masked]) == {int(used["n_bins"].sum()) - 7}
    assert set(n[~masked]) <= {int(used["n_bins"].sum())}
    np.testing.assert_allclose(found["mean"], counts.sum(axis=(0, 2)) / n.to_numpy())


def test_a_session_that_was_set_aside_is_left_out_with_a_note_unless_the_recipe_says_otherwise(
    shared_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NH_REVIEWS", str(tmp_path))
    platform = Platform(load_settings(shared_home))
    aside, *others = sorted(platform.store.sessions("ibl"))
    for reviewer in ("ada", "bea"):
        review = {"whole_session": True, "decision": "fail", "reason": "seizures", "reviewer": reviewer}
        operations.add_review(OpenHome(platform), "ibl", aside, review)
    chosen = select(platform, a_recipe())
    assert chosen.sessions["session_id"].tolist() == others
    assert f"ibl session {aside}: it is set aside by ada, bea: seizures" in chosen.left_out
    asked = a_recipe(ibl={"units": "all", "with_set_aside": True})
    assert aside in set(select(platform, asked).sessions["session_id"])
    assert asked.stated()["sources"]["ibl"]["with_set_aside"] is True
    assert "with_set_aside" not in a_recipe().stated()["sources"]["ibl"]  # the identity of sets of before
    assert aside in set(select(platform, a_recipe(), only={"ibl": [aside]}).sessions["session_id"])  # a locked set
    with pytest.raises(UnknownSession, match="state `with_set_aside: true`"):
        select(platform, a_recipe(ibl={"sessions": [aside]}))
