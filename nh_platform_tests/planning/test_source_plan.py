"""Whatever a person can change moves the version of exactly what reads it, and of what is below that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from nh_platform.assets.registry import ancestors
from nh_platform.embeddings.units import unit_encoding
from nh_platform.history.identity import GROUPS
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.versions import ExpectedAsset, SourcePlan
from nh_platform.qc import unit_columns
from nh_platform.qc.metrics.definitions import lookup
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.reports.page import page_code
from nh_platform.windows.presentations import conventions

SOURCE, SESSION = "allen_vc", "715093703"
"""Of all sources the one with every per-session asset."""

REVIEW = """\
source: allen_vc
session: "715093703"
reviews:
  - {unit: "1", decision: fail, reason: two neurons, reviewer: ada, date: 2026-03-01}
"""

Change = Callable[[Path, pytest.MonkeyPatch], None]


def set_key(key: str, value: str) -> Change:
    def change(home: Path, patch: pytest.MonkeyPatch) -> None:
        (home / "sources.yaml").write_text(f"{SOURCE}:\n  {key}: {value}\n")

    return change


def patch_name(owner: object, name: str, value: object) -> Change:
    def change(home: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(owner, name, value)

    return change


def write_review(home: Path, patch: pytest.MonkeyPatch) -> None:
    (home / "reviews" / SOURCE).mkdir(parents=True)
    (home / "reviews" / SOURCE / f"{SESSION}.yaml").write_text(REVIEW)


def ask(home: Path, patch: pytest.MonkeyPatch) -> None:
    (home / "reviews" / SOURCE).mkdir(parents=True)
    asked = "{unit: u, comment: an axon?, reviewer: ada, date: 2026-01-02}"
    text = f"source: {SOURCE}\nsession: '{SESSION}'\nreviews:\n  - {asked}\n"
    (home / "reviews" / SOURCE / f"{SESSION}.yaml").write_text(text)


def name_ui(home: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("NH_UI_ADDRESS", "https://qc.example.org")


def planned(
    home: Path, groups: Mapping[str, str] = dict.fromkeys(GROUPS, "1")
) -> tuple[dict[str, ExpectedAsset], dict[str, str]]:
    """Return what every asset of the session should be made from, and the code versions that Dagster is told."""
    plan = SourcePlan(Platform(load_settings(home)), SOURCE)
    return plan.expected(SESSION, groups), {name: plan.definition_version(name) for name in plan.assets}


def with_what_is_below(names: set[str]) -> set[str]:
    plan = SourcePlan(Platform(load_settings(Path("nowhere"))), SOURCE)
    return {name for name in plan.assets if names & {name, *ancestors(plan.assets, name)}}


@pytest.mark.parametrize(
    ("change", "readers"),
    [
        (set_key("rulebook", "nh-common"), {"units", "stimulus_tensors", "session_report"}),
        (set_key("also_rulebooks", "[]"), {"units", "session_report"}),
        (patch_name(Rulebook, "content_version", lambda self: "other"), {"units", "stimulus_tensors"}),
        (patch_name(Rulebook, "wording_version", lambda self: "other"), {"session_report"}),
        (patch_name(unit_columns, "metric_ids", lambda rulebooks: ("other",)), {"units"}),
        (patch_name(lookup, "HISTOGRAMS", ("other",)), {"units"}),
        (write_review, {"units", "session_report"}),
        (ask, {"session_report"}),
        (name_ui, {"session_report"}),
        (patch_name(page_code, "SHARED", "nh_platform.reports.probe_page"), {"session_report"}),
        (set_key("presets", "[]"), {"windows"}),
        (patch_name(unit_encoding, "encoders_version", lambda: "other"), {"unit_embeddings"}),
        (patch_name(conventions, "CONVENTIONS_VERSION", "other"), {"stimulus_tensors"}),
        (set_key("stimulus_modes", "[exact]"), {"stimulus_tensors"}),
        (set_key("reference_window", "start-20s"), {"unit_embeddings"}),
    ],
    ids=["active rulebook", "further rulebooks", "a rule", "words of a rule", "metrics", "histograms", "a review",
         "a question", "address of the UI", "styles of pages", "presets", "encoders",
         "conventions", "modes", "reference window"],
)  # fmt: skip
def test_a_change_moves_what_reads_it_and_what_is_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change, readers: set[str]
) -> None:
    before, told_before = planned(tmp_path)
    change(tmp_path, monkeypatch)
    after, told_after = planned(tmp_path)
    assert {name for name in before if before[name].parameters != after[name].parameters} == readers
    moved = {name for name in before if before[name].data_version != after[name].data_version}
    assert moved == with_what_is_below(readers)
    told = {name for name in before if told_before[name] != told_after[name]}
    assert told == (set() if change in (write_review, ask) else moved), "reviews are of one session"


@pytest.mark.parametrize("group", GROUPS)
def test_new_upstream_files_move_what_reads_them_and_what_is_below(tmp_path: Path, group: str) -> None:
    before, _ = planned(tmp_path)
    after, _ = planned(tmp_path, {**dict.fromkeys(GROUPS, "1"), group: "2"})
    readers = {name for name in before if group in before[name].asset.groups}
    moved = {name for name in before if before[name].data_version != after[name].data_version}
    assert moved == with_what_is_below(readers)


def test_assets_on_request_are_made_only_where_they_are_asked_for(tmp_path: Path) -> None:
    def assets() -> dict[str, ExpectedAsset]:
        plan = SourcePlan(Platform(load_settings(tmp_path)), "ibl")
        return plan.expected(SESSION, dict.fromkeys(GROUPS, "1"))

    before = assets()
    assert before.keys().isdisjoint({"pose", "mean_waveforms"})
    (tmp_path / "sources.yaml").write_text("ibl:\n  also_assets: [pose, mean_waveforms]\n")
    after = assets()
    assert after.keys() - before.keys() == {"pose", "mean_waveforms"}
    moved = {name for name in before if before[name].data_version != after[name].data_version}
    assert moved == {"session_report", "unit_embeddings"}, "they show and describe waveforms where they are made"
    assert after["pose"].inputs.keys() == {"upstream/pose"}
    assert after["mean_waveforms"].inputs.keys() == {"upstream/waveforms", "raw_spikes"}


@pytest.mark.parametrize(
    ("source", "window"),
    [("ibl", "start-30s"), ("allen_vc", "spontaneous-300s"), ("allen_vbn", "spontaneous-300s")],
)
def test_units_are_described_from_the_window_of_their_source_unless_another_is_stated(
    tmp_path: Path, source: str, window: str
) -> None:
    def described() -> str:
        plan = SourcePlan(Platform(load_settings(tmp_path)), source)
        groups = {group: "1" for asset in plan.assets.values() for group in asset.groups}
        return plan.expected(SESSION, groups)["unit_embeddings"].data_version

    by_default = described()
    stated = {}
    for name in (window, "whole-session"):
        (tmp_path / "sources.yaml").write_text(f"{source}: {{reference_window: {name}}}\n", encoding="utf-8")
        stated[name] = described()
    assert stated[window] == by_default
    assert stated["whole-session"] != by_default


def test_a_source_that_names_no_window_is_described_from_its_first_30_s(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("mine: {kind: phy, read: {folders: mine}}\n", encoding="utf-8")
    assert Platform(load_settings(tmp_path)).config("mine").reference_window == "start-30s"
