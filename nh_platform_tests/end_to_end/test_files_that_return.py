"""What was made without a file that upstream lists is stale, and made again of all of it once the file is back."""

from __future__ import annotations

from pathlib import Path

from nh_platform.history.publishing import store_manifest
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import NOT_HAD, SourcePlan
from nh_platform_tests.homes import make_home


def stale(platform: Platform) -> tuple[str, ...]:
    manifest = platform.manifest("ibl")
    return standing_of(SourcePlan(platform, "ibl"), manifest.session(manifest.session_ids[0])).stale


def make(platform: Platform) -> None:
    for name in stale(platform):
        make_session_asset(platform, "ibl", platform.manifest("ibl").session_ids[0], name)


def test_an_asset_made_without_a_listed_file_is_stale_with_what_reads_it(tmp_path: Path) -> None:
    platform = make_home(tmp_path / "home", ("ibl",))
    store_manifest(platform.store, platform.source("ibl").manifest(), "1")
    (trials,) = (tmp_path / "home" / "upstream").rglob("_ibl_trials.table.pqt")
    away = trials.rename(tmp_path / "away.pqt")
    make(platform)
    (session_id,) = platform.manifest("ibl").session_ids
    record = platform.store.provenance("ibl", session_id, "events")
    assert record is not None
    assert record.parameters[NOT_HAD] == "alf/_ibl_trials.table.pqt"
    assert any("reads it once it is back" in note for note in record.left_out)
    assert stale(platform) == ("events", "windows", "unit_embeddings", "session_report")
    make(platform)  # in vain, and nothing else is touched
    assert stale(platform) == ("events", "windows", "unit_embeddings", "session_report")
    away.rename(trials)
    make(platform)
    assert stale(platform) == ()
    again = platform.store.provenance("ibl", session_id, "events")
    assert again is not None
    assert NOT_HAD not in again.parameters
