"""`nh show` lists every upstream file of a session once, whichever groups of assets read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.history.identity import GROUPS, read_by
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import make_home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    make_home(folder, ("ibl", "allen_vc"))
    for source in ("ibl", "allen_vc"):
        nh(folder, "sync", source)
    return folder


def files_shown(home: Path, source: str) -> tuple[dict[str, str], int]:
    """Return the cell of files by groups, and how many files of the session any group reads."""
    manifest = Platform(load_settings(home)).manifest(source)
    shown = nh(home, "show", source, manifest.session_ids[0]).output
    part = shown.partition("Upstream files")[2].partition("Assets")[0]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in part.splitlines() if line.startswith("│")]
    files = manifest.session(manifest.session_ids[0]).files
    return {row[0]: row[1] for row in rows}, int(read_by(files, GROUPS).sum())


def test_an_nwb_file_is_one_file_of_all_that_read_it(home: Path) -> None:
    shown, n_files = files_shown(home, "allen_vc")
    assert shown == {"spikes, events, signals, qc, pose, waveforms, noise": "1", "alignment": "2 (1 above)"}
    assert n_files == 2


def test_times_that_pose_shares_with_signals_are_said_to_be_above(home: Path) -> None:
    shown, n_files = files_shown(home, "ibl")
    assert list(shown) == ["spikes", "events", "signals", "alignment", "qc", "pose", "waveforms", "noise"]
    assert shown["pose"].endswith("(3 above)")
    counts = [cell.removesuffix(" above)").partition(" (") for cell in shown.values()]
    assert sum(int(number) - int(above or 0) for number, _, above in counts) == n_files
