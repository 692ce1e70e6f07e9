"""`nh probes`: insertions of a region and of a freeze before anything is downloaded, from IBL's real tables too."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pandas as pd
import pytest

from nh_platform import operations
from nh_platform.history.published_freezes import FREEZES_FOLDER
from nh_platform.reading import open_store
from nh_platform.session import ConfigError
from nh_platform.simulation import TINY, write_allen_vbn
from nh_platform_tests.cli.commands import nh, rows
from nh_platform_tests.loopback import Loopback


def test_which_insertions_are_in_a_region_is_asked_before_anything_is_downloaded(
    servers: Loopback, tmp_path: Path
) -> None:
    pids = sorted(servers.state.insertions)
    servers.state.regions = {pids[0]: ("LGd-co", "LP"), pids[1]: ("LGd-sh",), pids[2]: ("VISp2/3",)}
    nh(tmp_path, "sync", "ibl")
    asked = len(servers.alyx.requests)
    found = nh(tmp_path, "probes", "--source", "ibl", "--region", "LGd", "--format", "csv")
    assert sorted(row["pid"] for row in rows(found)) == pids[:2]
    assert "/insertions?atlas_acronym=LGd&limit=1000" in [path for _, path in servers.alyx.requests[asked:]]
    one = rows(found)[0]
    session = servers.state.sessions[one["eid"]]
    assert (one["subject"], one["lab"], one["date"]) == (
        session["subject"],
        session["lab"],
        session["start_time"][:10],
    )
    assert "asked upstream" in found.stderr
    assert servers.files.requests == []
    assert nh(tmp_path, "probes", "--source", "ibl", "--region", "V1", "--ids").stdout.split() == [pids[2]]
    assert nh(tmp_path, "probes", "--source", "ibl", "--region", "CA1", "--ids").stdout.split() == []


def test_an_unknown_region_is_refused_before_anyone_is_asked(servers: Loopback, tmp_path: Path) -> None:
    nh(tmp_path, "sync", "ibl")
    asked = len(servers.alyx.requests)
    assert "Did you mean LGd" in nh(tmp_path, "probes", "--region", "LGDD", code=1).stderr
    assert len(servers.alyx.requests) == asked


def test_without_table_or_account_the_way_to_know_regions_is_said(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {tree}}}\n")
    nh(tmp_path, "sync", "ibl")
    assert len(rows(nh(tmp_path, "probes", "--format", "csv"))) == 4
    assert "sync ibl --tables" in nh(tmp_path, "probes", "--source", "ibl", "--region", "LGd", code=1).stderr


def test_the_real_channels_of_the_brain_wide_map_have_five_insertions_in_lgd(
    reference_dir: Path, tree: Path, tmp_path: Path
) -> None:
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {tree}}}\n")
    for folder in ("aggregates", FREEZES_FOLDER):
        (tmp_path / folder).mkdir()
    shutil.copy(reference_dir / "ibl_units" / "channels_bwm.pqt", tmp_path / "aggregates" / "channels.pqt")
    shutil.copy(reference_dir / "ibl_units" / "clusters_bwm_147.pqt", tmp_path / "aggregates" / "clusters.pqt")
    name = "2023_12_bwm_release"
    shutil.copy(reference_dir / "ibl_releases" / f"{name}.csv", tmp_path / FREEZES_FOLDER)
    synced = nh(tmp_path, "sync", "ibl").stdout
    assert "34944 channels" in synced
    assert "137354 units" in synced
    found = rows(nh(tmp_path, "probes", "--source", "ibl", "--region", "LGd", "--format", "csv"))
    stated = pd.read_parquet(reference_dir / "ibl_units" / "channels_bwm.pqt").reset_index(names=["pid", "row"])
    inside = stated[stated["acronym"].isin(["LGd-co", "LGd-ip", "LGd-sh"])]
    assert not (stated["acronym"] == "LGd").any()
    with_channels = {row["pid"]: int(row["channels"]) for row in found if int(row["channels"])}
    assert len(with_channels) == 5
    assert with_channels == inside.groupby("pid").size().to_dict()
    listed = rows(nh(tmp_path, "probes", "--freeze", name, "--region", "LGd", "--format", "csv"))
    of_freeze = pd.read_csv(reference_dir / "ibl_releases" / f"{name}.csv").set_index("pid")
    assert {row["eid"] for row in listed} == set(of_freeze.loc[[row["pid"] for row in listed], "eid"])
    units = open_store(tmp_path).released("ibl").units(["label", "firing_rate"], region="LGd")
    assert len(units) == sum(int(row["units"]) for row in found)


def test_a_freeze_has_the_columns_of_the_published_lists(reference_dir: Path, tmp_path: Path) -> None:
    name = "2022_10_bwm_release"
    (tmp_path / FREEZES_FOLDER).mkdir()
    path = shutil.copy(reference_dir / "ibl_releases" / f"{name}.csv", tmp_path / FREEZES_FOLDER)
    found = nh(tmp_path, "probes", "--freeze", name, "--format", "csv")
    columns = ["pid", "eid", "probe_name", "session_number", "date", "subject", "lab"]
    keys = ["pid"]
    ours = pd.read_csv(io.StringIO(found.stdout))[columns].sort_values(keys, ignore_index=True)
    theirs = pd.read_csv(path)[columns].sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(ours, theirs)
    again = tmp_path / "again.csv"
    again.write_text(found.stdout)
    assert len(nh(tmp_path, "probes", "--freeze", str(again), "--ids").stdout.split()) == 547
    assert f"Did you mean {name}" in nh(tmp_path, "probes", "--freeze", "2022_10_bwm_releas", code=1).stderr


def test_the_aggregate_tables_are_fetched_on_request_and_pinned(
    servers: Loopback, reference_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (reference_dir / "ibl_units" / "clusters_bwm_147.pqt").read_bytes()
    (tmp_path / "sources.yaml").write_text("ibl:\n  read: {aggregates_tag: 2026_Q9_test}\n")
    assert "2024_Q2_IBL_et_al_BWM" in nh(tmp_path, "sync", "ibl", "--tables", code=1).stderr
    servers.state.aggregates["2026_Q9_test/clusters.pqt"] = content
    assert "137354 units" in nh(tmp_path, "sync", "ibl", "--tables").stdout
    stated = pd.read_parquet(io.BytesIO(content)).reset_index(names=["pid", "row"])
    inside = stated[stated["acronym"].isin(["LGd-co", "LGd-ip", "LGd-sh"])].groupby(["pid", "acronym"]).size()
    regions = open_store(tmp_path).released("ibl").regions("LGd").set_index(["insertion_id", "acronym"])["units"]
    assert regions.sort_index().to_dict() == inside.to_dict()
    from nh_platform.sources.ibl.catalogue import aggregate_tables

    monkeypatch.setitem(aggregate_tables.KNOWN_MD5, "2026_Q9_test/clusters.pqt", "0" * 32)
    assert "is published" in nh(tmp_path, "sync", "ibl", "--tables", code=1).stderr


def test_a_table_that_lacks_a_column_is_refused_by_name_and_the_catalogue_kept(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {tree}}}\n")
    (tmp_path / "aggregates").mkdir()
    pd.DataFrame({"pid": ["p1"], "acronyms": ["LGd"]}).to_parquet(tmp_path / "aggregates" / "channels.pqt")
    refused = nh(tmp_path, "sync", "ibl", code=1)
    assert "channels.pqt: columns missing: acronym" in refused.stderr
    assert "Did you mean acronyms" in refused.stderr
    assert "2 sessions" in refused.stdout


def test_units_of_an_allen_release_are_counted_by_what_is_stated_of_the_animal(tmp_path: Path) -> None:
    write_allen_vbn(tmp_path / "vbn", 2, seed=3, size=TINY)
    (tmp_path / "sources.yaml").write_text("allen_vbn:\n  read: {mode: local, root: vbn}\n")
    nh(tmp_path, "sync", "allen_vbn")
    folder = tmp_path / "vbn" / "visual-behavior-neuropixels-0.5.0" / "project_metadata"
    units = pd.read_csv(folder / "units.csv").merge(
        pd.read_csv(folder / "ecephys_sessions.csv")[["ecephys_session_id", "genotype"]], on="ecephys_session_id"
    )
    expected = units[units["structure_acronym"] == "VISp"].groupby("genotype").size().to_dict()
    found = nh(tmp_path, "units", "--source", "allen_vbn", "--region", "V1", "--by", "genotype", "--format", "csv")
    assert {row["genotype"]: int(row["units"]) for row in rows(found)} == expected
    table = open_store(tmp_path).released("allen_vbn").units()
    assert table["unit_id"].tolist() == units["unit_id"].astype(str).tolist()
    assert table["snr"].tolist() == units["snr"].tolist()
    trained = open_store(tmp_path).behavior_sessions("allen_vbn")
    assert len(trained) == len(pd.read_csv(folder / "behavior_sessions.csv"))
    assert set(trained["session_id"].dropna()) == set(units["ecephys_session_id"].astype(str))
    listed = nh(tmp_path, "channels", "--source", "allen_vbn", "--column", "beryl", "--format", "csv")
    assert len(rows(listed)) == len(pd.read_csv(folder / "channels.csv"))
    assert "Did you mean genotype" in nh(tmp_path, "units", "--source", "allen_vbn", "--by", "genotyp", code=1).stderr
    with pytest.raises(ConfigError, match="Did you mean snr"):
        open_store(tmp_path).released("allen_vbn").units(["snrs"])


def test_a_released_table_without_a_column_is_named_with_the_file(tmp_path: Path) -> None:
    write_allen_vbn(tmp_path / "vbn", 1, seed=3, size=TINY)
    (tmp_path / "sources.yaml").write_text("allen_vbn:\n  read: {mode: local, root: vbn}\n")
    path = tmp_path / "vbn" / "visual-behavior-neuropixels-0.5.0" / "project_metadata" / "units.csv"
    pd.read_csv(path).rename(columns={"ecephys_channel_id": "channel_id"}).to_csv(path, index=False)
    found = operations.sync(tmp_path, "allen_vbn")
    assert found.n_sessions == 1
    assert found.problem is not None
    assert "units.csv: columns missing: ecephys_channel_id" in str(found.problem)
    assert "Did you mean channel_id" in found.problem.action
