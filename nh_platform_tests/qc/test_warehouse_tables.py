"""AllenSDK's units.csv is joined with the channels and probes beside it; what cannot be joined is named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.qc.units_file import read_units
from nh_platform.qc.warehouse_tables import join_neighbours
from nh_platform.session import BadUpstreamData
from nh_platform.simulation import TINY, write_allen_vc


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cache")
    write_allen_vc(root, 2, 7, size=TINY)
    return root


def write_units(folder: Path, channels: str = "id,ecephys_structure_id\n10,385\n11,\n") -> Path:
    (folder / "units.csv").write_text("id,ecephys_channel_id,snr\n1,11,2.5\n2,10,3.5\n3,11,1.5\n")
    (folder / "channels.csv").write_text(channels)
    return folder / "units.csv"


def test_the_tables_of_the_warehouse_cache_label_as_the_sdk_does(cache: Path) -> None:
    table, words = join_neighbours(read_units(cache / "units.csv"), cache / "units.csv")
    assert words.startswith(f"channels.csv and probes.csv in {cache}: ecephys_probe_id, ecephys_structure_id")
    channels, probes = pd.read_csv(cache / "channels.csv"), pd.read_csv(cache / "probes.csv")
    session_of = dict(zip(probes["id"], probes["ecephys_session_id"]))
    structure_of = dict(zip(channels["id"], channels["ecephys_structure_id"]))
    expected = [
        row.amplitude_cutoff <= 0.1
        and row.presence_ratio >= 0.95
        and row.isi_violations <= 0.5
        and row.quality == "good"
        and not np.isnan(structure_of[row.ecephys_channel_id])
        for row in table.itertuples()
    ]
    assert apply_rulebook(table, load_rulebook("allen-vc-default")).good.tolist() == expected
    assert 0 < sum(expected) < len(table)
    assert table["ecephys_session_id"].tolist() == [session_of[probe] for probe in table["ecephys_probe_id"]]
    assert table["ecephys_session_id"].nunique() == 2


def test_rows_keep_their_order_and_their_values(tmp_path: Path) -> None:
    path = write_units(tmp_path)
    table, words = join_neighbours(read_units(path), path)
    assert table["id"].tolist() == [1, 2, 3]
    assert table["ecephys_structure_id"].fillna(-1).tolist() == [-1, 385, -1]
    assert words == f"channels.csv in {tmp_path}: ecephys_structure_id"


def test_nothing_is_joined_to_a_table_that_has_the_structure_or_no_neighbours(tmp_path: Path) -> None:
    path = write_units(tmp_path)
    whole = read_units(path).assign(ecephys_structure_id=1)
    assert join_neighbours(whole, path) == (whole, "")
    (tmp_path / "channels.csv").unlink()
    alone = read_units(path)
    assert join_neighbours(alone, path) == (alone, "")


@pytest.mark.parametrize(
    ("channels", "says"),
    [
        ("id,ecephys_structure_id\n10,385\n", "does not list 2 of the 3 units' ecephys_channel_id, for example 11"),
        ("id,ecephys_structure_id\n10,1\n11,1\n11,2\n", "lists ecephys_channel_id 11 twice"),
        ("channel,ecephys_structure_id\n10,1\n", "no column id or ecephys_channel_id"),
    ],
)
def test_channels_that_do_not_fit_are_named(tmp_path: Path, channels: str, says: str) -> None:
    path = write_units(tmp_path, channels)
    with pytest.raises(BadUpstreamData, match=says) as caught:
        join_neighbours(read_units(path), path)
    assert str(tmp_path / "channels.csv") in str(caught.value)
