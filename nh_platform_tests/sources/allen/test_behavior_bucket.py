"""AllenSDK's own Visual Behavior cache on a public bucket: releases are listed, pinned, compared, and fetched once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from nh_platform.session import BadUpstreamData, ConfigError
from nh_platform.simulation.allen.behavior.cloud_release import PROJECT
from nh_platform.sources.allen import AllenVbnSettings, AllenVisualBehaviorSource
from nh_platform_tests.behavior import read_behavior
from nh_platform_tests.sources.allen.vbn import ACTIVITY, NORMAL, nwb_path, session_ids, source_of
from nh_platform_tests.sources.allen.vbn_bucket import Bucket, serve_bucket
from nh_platform_tests.sources.ibl.test_remote import assert_same_recording

pytestmark = pytest.mark.filterwarnings("ignore")

TABLES = [f"project_metadata/{name}.csv" for name in ("behavior_sessions", "channels", "ecephys_sessions", "probes")]
UNITS = "project_metadata/units.csv"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with serve_bucket(monkeypatch) as served:
        yield served


def _source(bucket: Bucket, root: Path, manifest: str = "latest") -> AllenVisualBehaviorSource:
    return AllenVisualBehaviorSource(
        AllenVbnSettings(root=root, mode="s3", endpoint=bucket.endpoint, manifest=manifest)
    )


def _key(root: Path, number: int) -> str:
    session_id = session_ids(root)[number]
    return f"behavior_ecephys_sessions/{session_id}/ecephys_session_{session_id}.nwb"


def test_a_release_is_taken_over_and_only_what_it_changed_is_fetched(
    bucket: Bucket, vbn_copy: Path, tmp_path: Path
) -> None:
    bucket.publish(vbn_copy, "0.4.0")
    root = tmp_path / "cache"
    source = _source(bucket, root)
    ids = session_ids(vbn_copy)
    before = source.manifest()
    signal = source.signal()
    assert before.release == "0.4.0"
    assert set(before.session_ids) == set(ids)
    assert bucket.take_fetched() == [*TABLES, UNITS]  # no session file
    changed, kept = before.session(ids[NORMAL]), before.session(ids[ACTIVITY])
    old_amplitude = source.read_spikes(changed).units["amplitude"]
    assert read_behavior(source, kept).events["change_trials"].shape[0] > 5
    source.read_spikes(kept)  # the same file again
    assert bucket.take_fetched() == sorted([_key(vbn_copy, NORMAL), _key(vbn_copy, ACTIVITY)])

    bucket.publish(vbn_copy, "0.5.0")
    assert source.signal() != signal
    after = source.manifest()
    assert after.release == "0.5.0"
    assert bucket.take_fetched() == [UNITS]
    assert source.releases() == ["0.4.0", "0.5.0"]
    compared = source.compare("0.4.0", "0.5.0")
    expected = {_key(vbn_copy, number): "changed" for number in (0, 2)} | {UNITS: "changed"}
    assert dict(zip(compared["path"], compared["change"])) == expected
    moved = {
        group: [name for name in ids if before.session(name).version(group) != after.session(name).version(group)]
        for group in ("spikes", "events")
    }
    assert moved["events"] == [ids[0], ids[2]]
    # With 0.4.0 alone the second session's amplitudes were halved too; only 0.5.0 tells that they were right.
    assert moved["spikes"] == ids

    source.read_spikes(after.session(ids[ACTIVITY]))
    assert bucket.take_fetched() == []  # linked by AllenSDK or found in the older release
    new_amplitude = source.read_spikes(after.session(ids[NORMAL])).units["amplitude"]
    assert bucket.take_fetched() == [_key(vbn_copy, NORMAL)]
    assert new_amplitude.tolist() == old_amplitude.tolist()  # 0.4.0 states twice as much
    assert "AWS_ENDPOINT_URL_S3" not in os.environ


def test_the_compare_is_that_of_allensdk(bucket: Bucket, vbn_copy: Path, tmp_path: Path) -> None:
    from nh_platform_tests.sources.allen.allensdk_clients import behavior_cache

    for release in ("0.4.0", "0.5.0"):
        bucket.publish(vbn_copy, release)
    cache = behavior_cache(tmp_path / "cache", "visual-behavior-neuropixels-data", bucket.endpoint)
    for name in cache.list_manifest_file_names():
        cache.load_manifest(name)
    theirs = cache.compare_manifests(*cache.list_manifest_file_names())
    ours = _source(bucket, tmp_path / "cache").compare("0.4.0", "0.5.0")
    assert sorted(f"{row.path} {row.change}" for row in ours.itertuples()) == sorted(
        line for line in theirs.splitlines()[4:] if line
    )
    assert len(cache.get_ecephys_session_table()) == 1
    assert len(cache.get_ecephys_session_table(filter_abnormalities=False)) == 3


@pytest.mark.slow
def test_a_pinned_release_stays(bucket: Bucket, vbn_copy: Path, tmp_path: Path) -> None:
    for release in ("0.4.0", "0.5.0"):
        bucket.publish(vbn_copy, release)
    source = _source(bucket, tmp_path / "cache", "0.4.0")
    manifest = source.manifest()
    assert manifest.release == "0.4.0"
    session = manifest.session(session_ids(vbn_copy)[NORMAL])
    notes = {note.subject for note in source.read_spikes(session).notes}
    assert "amplitude" in notes
    assert (tmp_path / "cache" / f"{PROJECT}-0.4.0" / _key(vbn_copy, NORMAL)).is_file()
    with pytest.raises(ConfigError, match=r"no .*_v0\.9\.0\.json \(it has: .*_v0\.4\.0\.json, "):
        _source(bucket, tmp_path / "cache", "0.9.0").manifest()


@pytest.mark.slow
def test_what_a_killed_download_left_is_fetched_again(bucket: Bucket, vbn_copy: Path, tmp_path: Path) -> None:
    bucket.publish(vbn_copy, "0.5.0")
    root = tmp_path / "cache"
    source = _source(bucket, root)
    session = source.manifest().session(session_ids(vbn_copy)[NORMAL])
    whole = nwb_path(vbn_copy, NORMAL).read_bytes()
    left = root / f"{PROJECT}-0.5.0" / _key(vbn_copy, NORMAL)
    left.parent.mkdir(parents=True)
    left.write_bytes(whole[: len(whole) // 2])
    assert source.read_spikes(session).spikes.n_units == 24
    assert left.read_bytes() == whole


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket, tmp_path: Path) -> None:
    settings = AllenVbnSettings(root=tmp_path, mode="s3", bucket="no-such-bucket", endpoint=bucket.endpoint)
    with pytest.raises(BadUpstreamData, match="bucket no-such-bucket: it cannot be read"):
        AllenVisualBehaviorSource(settings).manifest()


@pytest.mark.slow
def test_the_same_session_has_the_same_identity_from_folder_and_bucket(
    bucket: Bucket, vbn_copy: Path, tmp_path: Path
) -> None:
    bucket.publish(vbn_copy, "0.5.0")
    remote = _source(bucket, tmp_path / "cache").manifest()
    local = source_of(vbn_copy).manifest()
    for session_id in session_ids(vbn_copy):
        for group in ("spikes", "events", "signals", "alignment", "qc"):
            assert remote.session(session_id).version(group) == local.session(session_id).version(group)


def test_a_session_is_read_by_ranges_as_from_the_whole_file(bucket: Bucket, vbn_copy: Path, tmp_path: Path) -> None:
    bucket.publish(vbn_copy, "0.5.0")
    settings = AllenVbnSettings(root=tmp_path / "ranges", mode="s3", endpoint=bucket.endpoint, ranges=True)
    ranged, whole = AllenVisualBehaviorSource(settings), _source(bucket, tmp_path / "whole")
    session = ranged.manifest().session(session_ids(vbn_copy)[NORMAL])
    read, expected = ranged.read_spikes(session), whole.read_spikes(whole.manifest().session(session.session_id))
    told = [note for note in read.notes if note not in expected.notes]
    assert_same_recording(replace(read, notes=expected.notes), expected)
    assert [note for note in read.notes if note not in told] == list(expected.notes)
    assert [note.subject for note in told] == [f"ecephys_session_{session.session_id}.nwb"]
    assert "the file as a whole was not hashed" in told[0].text
    assert not list((tmp_path / "ranges").rglob("*.nwb"))
