"""Release manifests of the cloud cache: listed, loaded, compared; what is no manifest is refused by name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.simulation.allen.behavior.cloud_release import PROJECT, manifest_name
from nh_platform.sources.allen.behavior.cloud_cache import (
    compare_releases,
    find_file,
    list_releases,
    load_release,
    version_order,
)
from nh_platform_tests.sources.allen.vbn import ACTIVITY, NORMAL, nwb_path, session_ids


def test_releases_are_listed_oldest_first_and_the_newest_is_latest(vbn_root: Path) -> None:
    assert list_releases(vbn_root) == ["0.4.0", "0.5.0"]
    release = load_release(vbn_root)
    assert release.version == "0.5.0"
    assert release.folder == vbn_root / f"{PROJECT}-0.5.0"
    assert len(release.files) == 8
    session_id = session_ids(vbn_root)[NORMAL]
    found = release.by_file_id("0")
    assert found is not None
    assert found.path.endswith(f"ecephys_session_{session_id}.nwb")


def test_versions_sort_as_versions_and_a_fix_before_its_release() -> None:
    versions = ["0.10.0", "0.4.0", "0.9.1", "0.4.0-fix", "1.0.0"]
    assert sorted(versions, key=version_order) == ["0.4.0-fix", "0.4.0", "0.9.1", "0.10.0", "1.0.0"]


def test_a_release_that_is_not_there_is_named_with_those_that_are(vbn_root: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no manifest of release '0\.3\.0' \(found: 0\.4\.0, 0\.5\.0\)"):
        load_release(vbn_root, "0.3.0")
    with pytest.raises(ConfigError, match=r"found: none"):
        load_release(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", '{"manifest_version": "0.5.0"}', '{"metadata_files": {"units": {}}}'])
def test_what_is_no_manifest_is_refused(vbn_copy: Path, text: str) -> None:
    (vbn_copy / manifest_name("0.5.0")).write_text(text)
    with pytest.raises(BadUpstreamData, match=r"_v0\.5\.0\.json: it is not a manifest"):
        load_release(vbn_copy)


def test_a_manifest_of_another_version_and_a_path_out_of_the_folder_are_refused(vbn_copy: Path) -> None:
    path = vbn_copy / manifest_name("0.5.0")
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "manifest_version": "0.6.0"}))
    with pytest.raises(BadUpstreamData, match=r"it states version 0\.6\.0"):
        load_release(vbn_copy)
    content["data_files"]["0"]["url"] = "https://b.s3.amazonaws.com/visual-behavior-neuropixels/../../etc/passwd"
    path.write_text(json.dumps(content))
    with pytest.raises(BadUpstreamData, match="names no file of the project"):
        load_release(vbn_copy)


def test_only_content_counts_as_a_change(vbn_copy: Path) -> None:
    path = vbn_copy / manifest_name("0.5.0")
    content = json.loads(path.read_text())
    for entry in content["data_files"].values():
        entry["version_id"] = "uploaded again"
    del content["metadata_files"]["probes"]
    path.write_text(json.dumps(content))
    compared = compare_releases(load_release(vbn_copy, "0.4.0"), load_release(vbn_copy, "0.5.0"))
    changes = dict(zip(compared["path"], compared["change"]))
    assert changes.pop("project_metadata/probes.csv") == "removed"
    assert changes.pop("project_metadata/units.csv") == "changed"
    assert len(changes) == 2
    assert set(changes.values()) == {"changed"}
    added = compare_releases(load_release(vbn_copy, "0.5.0"), load_release(vbn_copy, "0.4.0"))
    assert "added" in set(added["change"])


def test_an_unchanged_file_is_found_where_it_lies(vbn_copy: Path) -> None:
    release = load_release(vbn_copy)
    path = f"behavior_ecephys_sessions/{session_ids(vbn_copy)[ACTIVITY]}/{nwb_path(vbn_copy, ACTIVITY).name}"
    file_hash = release.files[path].file_hash
    found = find_file(vbn_copy, path, file_hash)
    assert found is not None
    assert found[0].version == "0.5.0"
    nwb_path(vbn_copy, ACTIVITY).unlink()
    found = find_file(vbn_copy, path, file_hash)
    assert found is not None
    assert found[0].version == "0.4.0"
    assert find_file(vbn_copy, path, "0" * 128) is None


def test_a_plain_copy_of_the_bucket_is_read(vbn_root: Path, tmp_path: Path) -> None:
    shutil.copytree(vbn_root / f"{PROJECT}-0.5.0", tmp_path / PROJECT)
    (tmp_path / PROJECT / "manifests").mkdir()
    for version in ("0.4.0", "0.5.0"):
        shutil.copy(vbn_root / manifest_name(version), tmp_path / PROJECT / "manifests")
    assert list_releases(tmp_path) == ["0.5.0"]  # the copy holds the newest content alone
    assert load_release(tmp_path).table_path("units").is_file()
