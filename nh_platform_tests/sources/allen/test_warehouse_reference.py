"""The 58 sessions of the real release through mode ``warehouse``: all are listed, no file is there, nobody is asked."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource

pytestmark = pytest.mark.reference

CHANNELS_PER_PROBE = 371
PROBES_PER_SESSION = 6


@pytest.fixture
def root(reference_dir: Path, tmp_path: Path) -> Path:
    """Write the tables of a release of that size, as AllenSDK's cache keeps them, for the real sessions and files."""
    real = pd.read_csv(reference_dir / "allen_vc" / "sessions_58.csv")
    pd.DataFrame(
        {
            "id": real["well_known_file_id"],
            "ecephys_session_id": real["ecephys_session_id"],
            "link": [f"/{url.split('/', 3)[3]}" for url in real["url"]],
            "size": real["expected_bytes"],
        }
    ).to_csv(tmp_path / "nwb_files.csv", index=False)
    pd.DataFrame(
        {
            "id": real["ecephys_session_id"],
            "specimen_id": real["ecephys_session_id"] - 15_000_000,
            "session_type": real["session_type"],
        }
    ).to_csv(tmp_path / "sessions.csv", index=False)
    n_probes = PROBES_PER_SESSION * len(real)
    probes = np.arange(n_probes) + 810_000_000
    letters = [f"probe{'ABCDEF'[number % PROBES_PER_SESSION]}" for number in range(n_probes)]
    owners = np.repeat(real["ecephys_session_id"].to_numpy(), PROBES_PER_SESSION)
    pd.DataFrame({"id": probes, "ecephys_session_id": owners, "name": letters}).to_csv(
        tmp_path / "probes.csv", index=False
    )
    channels = np.arange(n_probes * CHANNELS_PER_PROBE) + 850_000_000
    axes = ("anterior_posterior", "dorsal_ventral", "left_right")
    pd.DataFrame(
        {
            "id": channels,
            "ecephys_probe_id": np.repeat(probes, CHANNELS_PER_PROBE),
            **{f"{axis}_ccf_coordinate": 1000 for axis in axes},
            "ecephys_structure_acronym": "VISp",
        }
    ).to_csv(tmp_path / "channels.csv", index=False)
    pd.DataFrame({"id": np.arange(99_180), "ecephys_channel_id": np.resize(channels, 99_180)}).to_csv(
        tmp_path / "units.csv", index=False
    )
    return tmp_path


def test_all_58_sessions_are_listed_without_a_file_and_without_network(
    root: Path, reference_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a request was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    real = pd.read_csv(reference_dir / "allen_vc" / "sessions_58.csv").set_index("ecephys_session_id")
    source = AllenVisualCodingSource(AllenVcSettings(root=root, mode="warehouse", refresh=False))
    began = time.process_time()
    manifest = source.manifest()
    assert time.process_time() - began < 30  # 123,000 channels, 99,180 units
    assert len(manifest.sessions) == 58
    assert set(map(int, manifest.session_ids)) == set(real.index)
    assert list(root.glob("session_*")) == []
    files = manifest.files[manifest.files["name"].str.endswith(".nwb")]
    assert files["size"].sum() == real["expected_bytes"].sum()
    for row in files.itertuples(index=False):
        own = real.loc[int(row.session_id)]
        assert row.md5 == f"well_known_file/{own['well_known_file_id']}"
        assert row.url == own["url"]
    # The heaviest file first, so that a backfill does not end with waiting for it.
    assert int(manifest.session_ids[0]) == real["expected_bytes"].idxmax()
    assert manifest.sessions["task_protocol"].value_counts().to_dict() == real["session_type"].value_counts().to_dict()
    assert manifest.sessions["n_units_released"].sum() == 99_180
