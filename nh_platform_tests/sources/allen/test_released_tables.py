"""Tables of a release whose ids cannot be are refused by file, column and row, before anything is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.history.released_tables import ReleasedTables
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen.released_tables import CODING, tables_of_release

FILES = {
    "sessions": "id,session_type\n715093703,brain_observatory_1.1\n719161530,functional_connectivity\n",
    "probes": "id,ecephys_session_id,name\n10,715093703,probeA\n11,719161530,probeB\n",
    "channels": (
        "id,ecephys_probe_id,ecephys_structure_acronym,anterior_posterior_ccf_coordinate,"
        "dorsal_ventral_ccf_coordinate,left_right_ccf_coordinate\n"
        "100,10,VISp,1,2,3\n101,11,LGd,1,2,3\n102,,LGd,1,2,3\n"
    ),
    "units": "id,ecephys_channel_id,snr\n1000,100,2.5\n1001,101,3.5\n",
}


def tables(folder: Path, **changed: str) -> ReleasedTables:
    paths = {}
    for name, text in (FILES | changed).items():
        paths[name] = folder / f"{name}.csv"
        paths[name].write_text(text)
    return tables_of_release(paths, CODING, "1", ())


def test_whole_ids_are_read_and_a_row_without_an_owner_is_left_out(tmp_path: Path) -> None:
    found = tables(tmp_path)
    assert found.units["unit_id"].tolist() == ["1000", "1001"]
    assert found.channels["channel_id"].tolist() == ["100", "101"]
    assert found.left_out == ("channels.csv: 1 row whose owner probes.csv does not list",)


@pytest.mark.parametrize(
    ("table", "old", "new", "found"),
    [
        ("units", "1001,101", "1000,101", r"column id has 1 id in several rows: 1000 in row 2, 1000 in row 3"),
        ("units", "1001,101", "1001.5,101", r"column id has 1 value that is no id: 1001\.5 in row 3"),
        ("units", "1001,101", ",101", r"column id has 1 row without an id: row 3"),
        (
            "units",
            "1001,101",
            "1001,101.25",
            r"column ecephys_channel_id has 1 value that is no id: 101\.25 in row 3",
        ),
        ("units", "1001,101", "1001,abc", r"column ecephys_channel_id has 1 value that is no id: abc in row 3"),
        ("channels", "101,11", "100,11", r"column id has 1 id in several rows"),
        ("channels", "100,10", "100,1e400", r"column ecephys_probe_id has 1 value that is no id: 1e400 in row 2"),
        ("probes", "11,719161530", "10,719161530", r"column id has 1 id in several rows"),
        ("probes", "11,719161530", "11,x", r"column ecephys_session_id has 1 value that is no id: x in row 3"),
        ("sessions", "719161530", "715093703", r"column id has 1 id in several rows"),
        ("sessions", "719161530", "", r"column id has 1 row without an id"),
    ],
)
def test_ids_that_cannot_be_are_named_with_their_rows(
    tmp_path: Path, table: str, old: str, new: str, found: str
) -> None:
    with pytest.raises(BadUpstreamData, match=rf"^file {table}\.csv: {found}.*Download the release's tables again"):
        tables(tmp_path, **{table: FILES[table].replace(old, new)})
