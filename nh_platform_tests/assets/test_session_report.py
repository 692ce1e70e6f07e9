"""The asset `session_report`: one page per session of every source, its version, and what it says of itself."""

from __future__ import annotations

import json
import re
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.history.catalogue_facts import catalogue_versions, first_release
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.opened_home import OpenHome
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.versions import SourcePlan
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home

SOURCES = ("ibl", "allen_vc", "allen_vbn")


READ_FIRST = ("raw_spikes", "events", "signals", "units")
READ = ("mean_waveforms", "noise", "unit_embeddings", "window_embeddings")
MADE = ("raw_spikes", "events", "signals", "optotagging", "units", "windows", *READ)
ON_REQUEST = {"ibl": "mean_waveforms, noise, window_embeddings"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Platform:
    folder = tmp_path_factory.mktemp("home") / "home"
    make_home(folder, SOURCES)
    settings = folder / "sources.yaml"
    for source in SOURCES:
        root = f"root: upstream/{source}}}\n"
        asked = f"  also_assets: [{ON_REQUEST.get(source, 'mean_waveforms')}]\n"
        settings.write_text(settings.read_text().replace(root, root + asked))
    platform = Platform(load_settings(folder))
    with dg.instance_for_test() as instance:
        for source in SOURCES:
            operations.sync(OpenHome(platform, instance), source)
            plan, (session_id,) = SourcePlan(platform, source), platform.manifest(source).session_ids
            for name in (*(one for one in MADE if one in plan.assets), "session_report"):
                make_session_asset(platform, source, session_id, name)
    return platform


def page_of(platform: Platform, source: str) -> tuple[str, dict[str, Any]]:
    (session_id,) = platform.manifest(source).session_ids
    html = (platform.store.folder(source, session_id, "session_report") / "report.html").read_text()
    stated = re.search(r'<script type="application/json" id="nh-data">(.*?)</script>', html, re.DOTALL)
    assert stated is not None
    return html, json.loads(stated[1])


def figures(platform: Platform, source: str) -> pd.DataFrame:
    (session_id,) = platform.manifest(source).session_ids
    folder = platform.store.folder(source, session_id, "session_report")
    return pd.read_parquet(folder / "report_figures.parquet").set_index("figure")


def test_every_source_has_its_figures_and_says_what_it_lacks(platform: Platform) -> None:
    for source in SOURCES:
        drawn = figures(platform, source)["drawn"]
        always = ["waveform", "amplitude-over-time", "amplitude-histogram", "rate", "intervals", "autocorrelogram",
                  "short-lags", "confidence", "raster", "psth-stimulus", "region-rates", "pupil"]  # fmt: skip
        assert drawn[always].all(), source
    ibl, coding, behavior = (figures(platform, source)["lacking"] for source in SOURCES)
    assert ibl[ibl != ""].index.tolist() == ["running"]
    assert coding["psychometric"] == "The session has no trials."
    assert coding["depth-over-time"] == "The release states no depth of single spikes."
    assert behavior["psychometric"] == "The session's trials are not those of a task with contrasts."
    assert (behavior[["reaction-times", "performance", "running", "licks"]] == "").all()


def test_a_page_names_the_session_its_versions_and_its_places_elsewhere(platform: Platform) -> None:
    _, page = page_of(platform, "ibl")
    (session_id,) = platform.manifest("ibl").session_ids
    insertions = platform.manifest("ibl").session(session_id).insertions
    links = {link["label"]: link["address"] for link in page["links"]}
    assert links["units in Dagster"] == f"http://127.0.0.1:3000/assets/ibl/units?view=partitions&partition={session_id}"
    viewer = next(address for label, address in links.items() if "viewer" in label)
    assert f"pid={insertions['insertion_id'].iloc[0]}" in viewer
    assert dict(page["lineage"]).keys() == {*READ, *READ_FIRST}
    verdicts = {(one["about"], one["rule"]): one for one in page["verdicts"]}
    assert verdicts["session", "n_trials"]["passed"] is False
    assert "not >= 400" in verdicts["session", "n_trials"]["text"]
    assert verdicts["probe00", "ap_rms"]["passed"] is not None, "noise was made"
    assert verdicts["session", "session_qc"]["passed"] is None, "the simulation states no QC"
    assert page["region_colours"].keys() >= {region for region in ("VISa", "LP") if region in str(page["columns"])}


def test_the_same_inputs_give_the_same_bytes(platform: Platform) -> None:
    for source in SOURCES:
        before, _ = page_of(platform, source)
        (session_id,) = platform.manifest(source).session_ids
        make_session_asset(platform, source, session_id, "session_report")
        assert page_of(platform, source)[0] == before


def test_what_the_catalogue_states_of_a_session_moves_its_page_alone_and_a_later_release_does_not(
    platform: Platform,
) -> None:
    manifest = platform.manifest("ibl")
    (session_id,) = manifest.session_ids
    before = catalogue_versions(manifest)
    manifest.files["tags"] = "2022_Q4_IBL_et_al_BWM"
    tagged = catalogue_versions(manifest)
    assert tagged != before
    assert first_release(manifest.session(session_id)) == "2022_Q4_IBL_et_al_BWM"
    manifest.files["tags"] = "2022_Q4_IBL_et_al_BWM,2025_Q3_IBL_et_al_BWM"
    assert catalogue_versions(manifest) == tagged
    manifest.sessions["subject"] = "another"
    assert catalogue_versions(manifest) != tagged
    plan = SourcePlan(platform, "ibl")
    readers = [name for name in plan.assets if "catalogue" in plan.parameters(plan.assets[name], session_id)]
    assert readers == ["session_report"]


def test_all_that_reviews_say_moves_the_page_and_a_remark_in_the_file_does_not(platform: Platform) -> None:
    (session_id,) = platform.manifest("ibl").session_ids
    path = platform.reviews_file("ibl", session_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    asked = "  - {unit: u, comment: an axon?, reviewer: ada, date: 2026-04-01}\n"
    answered = asked + "  - {unit: u, comment: hardly, reviewer: bo, date: 2026-04-02}\n"

    def version(entries: str) -> str:
        path.write_text(f"source: ibl\nsession: {session_id}\nreviews:\n{entries}")
        plan = SourcePlan(platform, "ibl")
        return plan.parameters(plan.assets["session_report"], session_id)["reviews as shown"]

    assert version(asked) != version(answered), "a question decides nothing, and is shown"
    assert version(asked) == version(f"  # ask Bo\n{asked}")
    path.unlink()


def test_explain_opens_the_card_of_a_unit(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    (session_id,) = platform.manifest("ibl").session_ids
    said = nh(platform.settings.home, "qc", "explain", "ibl", session_id, "probe00/0", "--open").output
    folder = platform.store.folder("ibl", session_id, "session_report")
    unit = pd.read_parquet(platform.store.folder("ibl", session_id, "units") / "units.parquet")["unit_id"][0]
    assert f"card: {(folder / 'report.html').as_uri()}#unit={unit}" in said.replace("\n", "")
    assert "No browser could be opened here" in said


def test_dagster_is_told_size_and_what_is_lacking(platform: Platform) -> None:
    (session_id,) = platform.manifest("allen_vc").session_ids
    shown = make_session_asset(platform, "allen_vc", session_id, "session_report").result.shown
    assert 0.05 < shown["page, MB"] < 1
    assert {"figure": "psychometric", "lacking": "The session has no trials."} in shown["figures lacking"]
    assert shown["figures drawn"] + len(shown["figures lacking"]) == len(figures(platform, "allen_vc"))
