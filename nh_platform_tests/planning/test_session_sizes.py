"""Sessions are estimated from the sizes and units that a manifest states, and from what is stored of others."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.history.manifest import SessionFiles
from nh_platform.operations.backfills.backfill_needs import GUIDE
from nh_platform.planning.session_sizes import (
    RUN_CPU_S,
    SessionSize,
    cpu_s_per_million_spikes,
    expected_bytes,
    expected_cpu_s,
    measured_sizes,
    session_size,
    stored_ratios,
)
from nh_platform.session import Session
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS
from nh_platform.store import Provenance, Store

NAN = float("nan")
NOT_MEASURED: set[str] = set()


def session(**sizes: float) -> SessionFiles:
    """Return a session whose files of the group spikes have these sizes, each in a collection of its own."""
    rows = [
        {
            "session_id": "a",
            "probe": "",
            "group": "spikes",
            "collection": str(number),
            "revision": "",
            "name": name.replace("__", "."),
            "default_revision": True,
            "size": size,
        }
        for number, (name, size) in enumerate(sizes.items())
    ]
    files = FILES.conform(pd.DataFrame(rows, columns=FILES.names))
    return SessionFiles(Session("ibl", "a", "mouse"), INSERTIONS.empty(), files)


def test_spikes_and_units_of_alf_are_the_lengths_of_their_files() -> None:
    files = session(spikes__times__npy=128 + 8 * 11_500_000, clusters__channels__npy=128 + 8 * 700)
    assert session_size(files, NAN) == SessionSize(11_500_000, 700)
    assert session_size(files, 690.0).n_units == 690


def test_the_spikes_of_a_released_nwb_file_are_bounded_by_its_bytes() -> None:
    n_units, n_spikes = 2_890, 124_754_105  # of a file that the Allen Institute released
    everything_else = 60e6
    size = session_size(session(session_1__nwb=n_units * 384 * 82 * 8 + 16 * n_spikes + everything_else), n_units)
    assert n_spikes < size.n_spikes < 1.05 * n_spikes


def test_what_no_row_tells_is_unknown_and_taken_for_the_middle_of_the_others() -> None:
    assert math.isnan(session_size(session(spikes__times__npy=NAN), NAN).n_spikes)
    known, unknown = SessionSize(10e6, 500), SessionSize(NAN, NAN)
    once = expected_bytes(measured_sizes("ibl"), "raw_spikes", [known])
    assert expected_bytes(measured_sizes("ibl"), "raw_spikes", [known, unknown]) == pytest.approx(2 * once)
    assert math.isnan(expected_bytes(measured_sizes("ibl"), "raw_spikes", [unknown]))
    assert math.isnan(expected_bytes(measured_sizes("ibl"), "of a package", [known]))


@pytest.mark.parametrize("source", ["ibl", "allen_vc", "allen_vbn"])
def test_every_asset_of_a_source_was_measured(source: str) -> None:
    named = {name for name, asset in session_assets(source).items()}
    assert named - set(measured_sizes(source)) <= NOT_MEASURED


def test_time_is_the_start_of_each_run_and_the_work_on_its_spikes() -> None:
    took = expected_cpu_s("ibl", [SessionSize(1e6, 10), SessionSize(3e6, 10)])
    assert took == pytest.approx(2 * RUN_CPU_S + 4 * cpu_s_per_million_spikes("ibl"))
    assert math.isnan(expected_cpu_s("my_lab", [SessionSize(1e6, 10)]))


def test_stored_sessions_tell_what_others_will_take(tmp_path: Path) -> None:
    store = Store(tmp_path)
    sizes = {"a": SessionSize(100, 2), "b": SessionSize(300, 2), "c": SessionSize(1_000, 2)}
    for session_id in ("a", "b"):
        record = Provenance(
            asset="raw_spikes", source="ibl", session_id=session_id, data_version="0" * 64, code_version="1"
        )
        with store.publish(record) as folder:
            (folder / "spikes.bin").write_bytes(bytes(int(sizes[session_id].n_spikes) * 5))
    found = stored_ratios(store, "ibl", sizes)
    assert expected_bytes(found, "raw_spikes", [sizes["c"]]) == 5_000


@pytest.mark.reference
def test_the_guide_and_the_sizes_of_the_58_released_files_agree(reference_dir: Path) -> None:
    table = pd.read_csv(reference_dir / "allen_vc" / "sessions_58.csv")
    assert len(table) == GUIDE["allen_vc"][0].n_sessions
    assert table["expected_bytes"].sum() == pytest.approx(GUIDE["allen_vc"][0].most, rel=0.08)
