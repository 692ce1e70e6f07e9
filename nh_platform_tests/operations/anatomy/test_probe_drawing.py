"""Insertions of a selection become a page and a file of points, from stored sessions and from tables of a release."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform import open_store, operations
from nh_platform.home.platform import Platform
from nh_platform.reading.searching.probe_positions import probe_positions
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY, write_allen_vbn, write_ibl
from nh_platform.sources.anatomy.coordinates import ccf_um_from_xyz_m
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.reports.probe_page.test_surface import write_ball

SOURCES = ("ibl", "allen_vc", "allen_vbn")


@pytest.fixture(autouse=True)
def no_atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("BRAINGLOBE_CONFIG_DIR", raising=False)


def data_of(page: Path) -> dict:
    """Return what the page states, without its arrays."""
    found = re.search(r'<script type="application/json" id="nh-data">(.*?)</script>', page.read_text())
    assert found is not None
    return json.loads(found[1])


def test_sessions_of_every_source_are_drawn_together_each_in_its_hemisphere(
    three_sources: Platform, tmp_path: Path
) -> None:
    found = operations.draw_probes(three_sources.settings.home, tmp_path / "page.html", points=tmp_path / "points.csv")
    assert (found.n_drawn, found.n_not_drawn) == (6, 0)
    insertions = pd.DataFrame(data_of(tmp_path / "page.html")["insertions"])
    assert set(insertions["source"]) == set(SOURCES)
    points = pd.read_csv(tmp_path / "points.csv", dtype={"insertion_id": str, "unit_id": str})
    assert len(points) == found.n_points == insertions["units"].sum()
    store = open_store(three_sources.settings.home)
    for source in SOURCES:
        units = store.session(source, store.store.sessions(source)[0]).units.set_index("unit_id")
        mine = points[points["source"] == source].set_index("unit_id")
        assert len(mine) == units["x_m"].notna().sum()
        x_m, y_m, z_m = (units.loc[mine.index, axis] for axis in ("x_m", "y_m", "z_m"))
        ap, dv, ml = ccf_um_from_xyz_m(x_m, y_m, z_m)
        # x is positive on the animal's right whatever the source; BrainGlobe counts from the right.
        assert np.allclose(mine[["ap_um", "dv_um", "lr_um"]], np.column_stack([ap, dv, 11_400 - ml]), atol=1e-6)
        if source != "ibl":
            assert set(insertions.loc[insertions["source"] == source, "side"]) == {"left"}
            assert (units["ccf_ml_um"] > 5700).all()
            assert np.allclose(mine["lr_um"], units.loc[mine.index, "ccf_ml_um"])
        rulebook = next(name for name in units if name.startswith("pass."))
        assert ((mine["label"] == "pass") == units.loc[mine.index, rulebook]).all()


def test_the_points_are_the_array_that_brainrender_reads(three_sources: Platform, tmp_path: Path) -> None:
    home = three_sources.settings.home
    operations.draw_probes(home, None, "ibl", points=tmp_path / "points.npy")
    operations.draw_probes(home, None, "ibl", points=tmp_path / "points.csv")
    array = np.load(tmp_path / "points.npy")
    assert (array.dtype, array.ndim, array.shape[1]) == (np.float64, 2, 3)
    assert np.allclose(array, pd.read_csv(tmp_path / "points.csv")[["ap_um", "dv_um", "lr_um"]])


def test_tables_of_a_release_are_drawn_before_any_session_is_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_allen_vbn(home / "vbn", 2, seed=3, size=TINY)
    (home / "sources.yaml").write_text("allen_vbn:\n  read: {mode: local, root: vbn}\n")
    nh(home, "sync", "allen_vbn")
    found = nh(home, "probes", "view", "--source", "allen_vbn", "--region", "V1", "--out", str(tmp_path / "v1.html"))
    assert "v1.html: " in found.stdout
    assert "without a surface" in found.stdout
    data = data_of(tmp_path / "v1.html")
    listed = operations.probes(home, "allen_vbn", region="V1").rows
    assert {one["insertion_id"] for one in data["insertions"]} == set(listed["insertion_id"])
    assert data["title"] == "Probe insertions: source allen_vbn, region V1"
    assert data["labelled_by"] == ["quality of the release"]
    assert all(one["side"] == "left" and one["units"] > 0 for one in data["insertions"])


def test_an_insertion_without_histology_is_listed_and_the_others_drawn(tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_allen_vbn(home / "vbn", 1, seed=3, size=TINY)
    (home / "sources.yaml").write_text("allen_vbn:\n  read: {mode: local, root: vbn}\n")
    path = next(home.glob("vbn/*/project_metadata/channels.csv"))
    channels = pd.read_csv(path)
    gone = channels["ecephys_probe_id"] == channels["ecephys_probe_id"].iloc[0]
    axes = [name for name in channels if name.endswith("_ccf_coordinate")]
    channels.loc[gone, axes] = 0
    channels.to_csv(path, index=False)
    nh(home, "sync", "allen_vbn")
    found = operations.draw_probes(home, tmp_path / "page.html")
    data = data_of(tmp_path / "page.html")
    assert found.n_not_drawn == len(data["not_drawn"]) == 1
    assert data["not_drawn"][0]["insertion_id"] == str(channels["ecephys_probe_id"].iloc[0])
    assert "no histology" in data["not_drawn"][0]["why"]
    assert "1 insertion without a position" in nh(home, "probes", "view", "--out", str(tmp_path / "page.html")).stdout


def test_a_damaged_session_is_listed_with_what_is_wrong(three_sources: Platform, tmp_path: Path) -> None:
    home = tmp_path / "copy"
    shutil.copytree(three_sources.settings.home, home)
    platform = Platform(three_sources.settings.model_copy(update={"home": home, "store": home / "store"}))
    (session,) = platform.store.sessions("ibl")
    folder = platform.store.usable("ibl", session, "units")
    assert folder is not None
    (folder / "units.parquet").chmod(0o644)
    (folder / "units.parquet").write_bytes(b"cut off")
    rows = operations.probes(three_sources.settings.home, "ibl").rows
    found = probe_positions(platform.store, platform.settings.entry("ibl"), rows)
    assert len(found.units) == len(found.channels) == 0
    assert set(found.unlocated) == set(rows["insertion_id"])
    assert all("units.parquet" in why for why in found.unlocated.values())


def test_a_surface_is_that_of_the_atlas_that_is_named(three_sources: Platform, tmp_path: Path) -> None:
    atlas = write_ball(tmp_path / "atlases").parent.parent
    found = operations.draw_probes(three_sources.settings.home, tmp_path / "page.html", "ibl", atlas=atlas)
    assert found.has_surface
    data = data_of(tmp_path / "page.html")
    assert data["surface_from"] == "allen_mouse_25um_v1.2"
    assert data["surface"]["triangles"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "State --out page.html, --points FILE.npy, or both"),
        (("--out", "{tmp}/page.pdf"), "Use .html or .htm"),
        (("--points", "{tmp}/points.txt"), "Use .npy or .csv"),
        (("--out", "{tmp}/none/page.html"), "its folder does not exist"),
        (("--out", "{tmp}/page.html", "--subject", "nobody"), "no probe insertion is like that"),
        (("--out", "{tmp}/page.html", "--region", "LGDD"), "Did you mean LGd"),
        (("--out", "{tmp}/page.html", "--atlas", "{tmp}"), "it has no file meshes/997.obj"),
    ],
)
def test_what_cannot_be_drawn_is_said(
    three_sources: Platform, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    stated = [one.replace("{tmp}", str(tmp_path)) for one in arguments]
    refused = nh(three_sources.settings.home, "probes", "view", *stated, code=1)
    assert said in " ".join(refused.stderr.split())
    assert not list(tmp_path.glob("page*"))


def test_options_of_the_list_before_view_are_refused_and_the_list_is_as_it_was(three_sources: Platform) -> None:
    home = three_sources.settings.home
    refused = nh(home, "probes", "--source", "ibl", "view", "--out", "page.html", code=1)
    assert "it stands before view" in refused.stderr
    assert len(nh(home, "probes", "--source", "ibl", "--ids").stdout.split()) == 2
    assert "view" in nh(home, "probes", "--help").stdout


def test_a_folder_in_the_place_of_the_page_is_left_alone(three_sources: Platform, tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(ConfigError, match="it is a folder"):
        operations.draw_probes(three_sources.settings.home, tmp_path / "page.html")
    assert (tmp_path / "page.html").is_dir()


@pytest.mark.reference
def test_real_insertions_are_drawn_from_the_tables_of_the_release_alone(reference_dir: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_ibl(home / "alf", 1, seed=5, size=TINY)
    (home / "sources.yaml").write_text("ibl:\n  read: {mode: local, root: alf}\n")
    for folder in ("aggregates", "freezes"):
        (home / folder).mkdir()
    shutil.copy(reference_dir / "ibl_units" / "channels_bwm.pqt", home / "aggregates" / "channels.pqt")
    shutil.copy(reference_dir / "ibl_units" / "clusters_bwm_147.pqt", home / "aggregates" / "clusters.pqt")
    shutil.copy(reference_dir / "ibl_releases" / "2023_12_bwm_release.csv", home / "freezes")
    nh(home, "sync", "ibl")
    found = operations.draw_probes(
        home, tmp_path / "bwm.html", "ibl", freeze="2023_12_bwm_release", points=tmp_path / "bwm.csv"
    )
    assert (found.n_drawn, found.n_not_drawn) == (91, 608)
    data = data_of(tmp_path / "bwm.html")
    insertions = pd.DataFrame(data["insertions"])
    assert insertions["side"].value_counts().to_dict() == {"left": 81, "right": 5, "both": 5}
    stated = pd.read_parquet(reference_dir / "ibl_units" / "clusters_bwm_147.pqt")
    assert insertions["units"].sum() == len(stated) == 137_354
    assert insertions["good"].sum() == (stated["label"] == 1).sum()
    assert insertions["lab"].nunique() > 5
    # Units state no position: each lies where its peak channel does.
    points = pd.read_csv(tmp_path / "bwm.csv", dtype={"unit_id": str})
    channels = pd.read_parquet(reference_dir / "ibl_units" / "channels_bwm.pqt")
    pid = stated.index[0][0]
    mine = points[(points["insertion_id"] == pid) & (points["label"] != "channel")].set_index("unit_id")
    for number in (0, 1, 200):
        peak = channels.loc[(pid, stated.loc[(pid, number), "channels"])]
        ap, dv, ml = ccf_um_from_xyz_m(peak["x"], peak["y"], peak["z"])
        place = mine.loc[str(number), ["ap_um", "dv_um", "lr_um"]].to_numpy(float)
        assert np.allclose(place, [ap, dv, 11_400 - ml])
