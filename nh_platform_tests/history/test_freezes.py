"""Published lists of insertions, as they are written and as they are miswritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.history.freezes import freeze_manifest, read_freeze, restrict
from nh_platform.history.publishing import store_manifest
from nh_platform.history.release_lookup import NamedState, find_state, known_freezes, tag_counts
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.store import Store
from nh_platform_tests.history.releases import a_manifest, edit, ids, of, without_sessions

WHOLE = ",pid,eid,probe_name,session_number,date,subject,lab\n0,p2,e1,probe01,2,2020-02-18,NYU-11,angelakilab\n"
REFERENCE = {
    "2022_10_initial": (350, 552),
    "2022_10_update": (355, 557),
    "2022_10_bwm_release": (354, 547),
    "2023_12_bwm_release": (459, 699),
    "2022_Q4_IBL_et_al_BWM_eids_pids": (354, 547),
    "2024_Q2_BWM_iblsort_eids_pids": (459, 699),
    "2025_Q1_IBL_et_al_BWM_wheel_patch_sessions": (62, 0),
}


def written(folder, text, name="a_freeze.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_whole_list_is_a_catalogue(tmp_path: Path) -> None:
    path = written(tmp_path, WHOLE + "1,p1,e1,probe00,2,2020-02-18,NYU-11,angelakilab\n")
    freeze = read_freeze(path)
    assert freeze.name == "a_freeze"
    assert freeze.rows.iloc[0].to_dict() == {
        "insertion_id": "p1",
        "session_id": "e1",
        "probe": "probe00",
        "subject": "NYU-11",
        "lab": "angelakilab",
        "date": "2020-02-18",
        "number": 2,
    }
    manifest = freeze_manifest(path, "ibl")
    assert (manifest.source, manifest.release) == ("ibl", "a_freeze")
    assert (len(manifest.sessions), len(manifest.insertions), len(manifest.files)) == (1, 2, 0)


@pytest.mark.parametrize(
    ("text", "pids", "probes"),
    [
        ("eid,probe,pid\ne1,probe00,p1\n", ["p1"], ["probe00"]),
        ("\ufeffeid,pid\r\ne1, p1 \r\n", ["p1"], [""]),
        ("eid\ne1\ne2\n", [], ["", ""]),
        ("session_id,insertion_id,more\n715093703,810755797,x\n", ["810755797"], [""]),
        ("eid,pid\n", [], []),
    ],
)
def test_lists_that_state_less(tmp_path: Path, text, pids, probes) -> None:
    freeze = read_freeze(written(tmp_path, text))
    assert freeze.insertion_ids == pids
    assert freeze.rows["probe"].tolist() == probes
    assert len(freeze_manifest(freeze, "ibl").sessions) == len(freeze.session_ids)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pid,probe\np1,probe00\n", "no column eid or session_id or ecephys_session_id; it has"),
        ("", "it has no header"),
        ("eid,eid\ne1,e2\n", "line 1: a column is named twice"),
        (b"PK\x03\x04\xff\xfe\x00", "not a CSV table"),
        (WHOLE + "1,p2,e1,probe01,2,2020-02-18,NYU-11,angelakilab\n", "line 3 p2: the insertion is listed twice"),
        (WHOLE + "1,p2,e7,probe01,2,2020-02-18,NYU-11,angelakilab\n", "line 3 p2: the insertion is listed with two"),
        (WHOLE + "1,,e7,probe01,2,2020-02-18,NYU-11,angelakilab\n", "line 3 e7: a cell of session_id or insertion_id"),
        (WHOLE + "1,p3,e7,probe01,first,2020-02-18,NYU-11,lab\n", "line 3 p3: the session number is not a number"),
        (WHOLE + "1,p3,e7\n", "line 3: it has 3 cells and the header 8; the file may have been cut off"),
        ("eid\ne1\ne1\n", "line 3 e1: the session is listed twice"),
        ("eid,pid\ne1,p1,x,y\ne2,p2\n", "line 2: it has 4 cells"),
    ],
)
def test_a_list_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, text, message) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        read_freeze(written(tmp_path, text))
    assert "a_freeze.csv" in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        read_freeze(tmp_path / "none.csv")


@pytest.mark.parametrize("by", ["insertion_id", "probe"])
def test_a_source_is_restricted_to_the_insertions_of_a_freeze(tmp_path: Path, by) -> None:
    manifest = a_manifest()
    row = manifest.insertions.iloc[3]
    pid = row["insertion_id"] if by == "insertion_id" else "unknown here"
    path = written(tmp_path, f"pid,eid,probe\n{pid},{row['session_id']},probe01\nx,not-here,probe00\n")
    part = restrict(manifest, read_freeze(path))
    assert part.release == "a_freeze, follow_default"
    assert part.sessions["session_id"].tolist() == [row["session_id"]]
    assert part.insertions["insertion_id"].tolist() == [row["insertion_id"]]
    assert set(part.files["probe"]) == {"", "probe01"}
    whole, kept = manifest.session(row["session_id"]), part.session(row["session_id"])
    assert kept.version("events") == whole.version("events")
    assert kept.version("spikes") != whole.version("spikes")


def test_a_list_of_sessions_keeps_all_their_probes(tmp_path: Path) -> None:
    manifest = a_manifest()
    path = written(tmp_path, f"eid\n{ids(manifest)[1]}\n")
    part = restrict(manifest, read_freeze(path))
    assert part.session_ids == [ids(manifest)[1]]
    assert len(part.insertions) == 2
    assert set(part.files["probe"]) == {"", "probe00", "probe01"}


def test_a_name_is_looked_up_among_files_snapshots_freezes_and_tags(tmp_path: Path) -> None:
    store, folder = Store(tmp_path / "store"), tmp_path / "freezes"
    folder.mkdir()
    written(folder, WHOLE, "paper.csv")
    manifest = a_manifest()
    less = without_sessions(manifest, ids(manifest)[0])
    tagged = edit(manifest, of(ids(manifest)[1], "spikes.times", "probe01"), tags="Other,2022_Q4_IBL_et_al_BWM")
    for state in (less, tagged):
        store_manifest(store, state, "1")

    def find(name) -> NamedState:
        return find_state(store, "ibl", name, folder)

    assert list(known_freezes(folder)) == ["paper"]
    assert find("paper").title == find(str(folder / "paper.csv")).title == "freeze paper"
    assert find("1").manifest.version() == less.version()
    assert not find("latest").membership_only
    other = find("Other")
    assert other.membership_only
    assert other.manifest.session_ids == [ids(manifest)[1]]
    assert other.manifest.insertions["probe"].tolist() == ["probe01"]
    assert len(find("2022_Q4_IBL_et_al_BWM").manifest.insertions) == 8
    assert tag_counts(tagged).to_dict("records") == [
        {"tag": "2022_Q4_IBL_et_al_BWM", "sessions": 4, "insertions": 8, "files": 336},
        {"tag": "Other", "sessions": 1, "insertions": 1, "files": 2},
    ]
    with pytest.raises(UnknownSession, match=r"snapshots: 1 to 2; tags: .*Other; freezes: .*paper"):
        find("nothing")
    with pytest.raises(ConfigError, match="no such file"):
        find("nothing.csv")


@pytest.mark.reference
@pytest.mark.parametrize("name", REFERENCE)
def test_published_lists_are_read(reference_dir: Path, name) -> None:
    freeze = read_freeze(reference_dir / "ibl_releases" / f"{name}.csv")
    assert (len(freeze.session_ids), len(freeze.insertion_ids)) == REFERENCE[name]
