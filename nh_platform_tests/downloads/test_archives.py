"""Zip files that would write elsewhere, or fill a disk, are refused by name; nothing of them is unpacked."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nh_platform.downloads import archives
from nh_platform.downloads.archives import archive_problem, unpack
from nh_platform.session import BadUpstreamData
from nh_platform.sources.ibl.catalogue.tables_zip import tables_of_zip, zip_problem


def zip_of(path: Path, *members: tuple[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, content in members:
            facts = zipfile.ZipInfo(name)
            facts.external_attr = mode << 16
            facts.compress_type = zipfile.ZIP_DEFLATED
            zipped.writestr(facts, content)
    return path


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("/etc/passwd.pqt", "has an absolute path"),
        ("\\\\server\\share.pqt", "has an absolute path"),
        ("C:/windows.pqt", "has an absolute path"),
        ("../sessions.pqt", "leads out of the archive's folder"),
        ("a/../../sessions.pqt", "leads out of the archive's folder"),
        ("..\\sessions.pqt", "leads out of the archive's folder"),
    ],
)
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str, found: str) -> None:
    path = zip_of(tmp_path / "a.zip", ("sessions.pqt", b"x"), (name, b"x"))
    assert found in str(archive_problem(path))
    assert found in str(zip_problem(path))
    with pytest.raises(BadUpstreamData, match="nothing of it was unpacked"):
        unpack(path, ["sessions.pqt"], tmp_path, "a.zip")
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


@pytest.mark.parametrize(("kind", "found"), [(stat.S_IFLNK, "is a link"), (stat.S_IFIFO, "is no file")])
def test_a_link_or_device_is_refused(tmp_path: Path, kind: int, found: str) -> None:
    assert found in str(
        archive_problem(zip_of(tmp_path / "a.zip", ("sessions.pqt", b"/etc/passwd"), mode=kind | 0o777))
    )


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "a.zip", ("sessions.pqt", bytes(archives.FREE_BYTES + 1)))
    assert path.stat().st_size < 100_000
    assert "more than 200 times as many" in str(zip_problem(path))
    assert "are the most that is unpacked" in str(archive_problem(path, most_bytes=1 << 20, most_ratio=None))
    assert archive_problem(path, most_ratio=None) is None


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_and_too_many_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zip_of(tmp_path / "a.zip", ("sessions.pqt", b"x"), ("sessions.pqt", b"y"))
    assert "is there twice" in str(archive_problem(path))
    monkeypatch.setattr(archives, "MOST_MEMBERS", 1)
    assert "2 members, and 1 are the most" in str(archive_problem(path))


@pytest.mark.parametrize("name", ["-rf.pqt", ".pqt", "a\nb.pqt", f"{'a' * 300}.pqt", "sessions.pqt "])
def test_a_name_that_is_not_plain_becomes_no_file(tmp_path: Path, name: str) -> None:
    path = zip_of(tmp_path / "a.zip", (name, b"x"))
    with pytest.raises(BadUpstreamData, match="without a plain file name"):
        unpack(path, [name], tmp_path, "a.zip")
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "sessions.pqt").write_bytes(b"before")
    with pytest.raises(FileExistsError):
        unpack(zip_of(tmp_path / "a.zip", ("sessions.pqt", b"x")), ["sessions.pqt"], tmp_path, "a.zip")
    assert (tmp_path / "sessions.pqt").read_bytes() == b"before"


def test_the_tables_of_a_hostile_zip_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    with pytest.raises(BadUpstreamData, match=r"the zip of the ONE tables.*leads out"):
        tables_of_zip(zip_of(tmp_path / "own" / "cache.zip", ("../sessions.pqt", b"x"), ("sessions.pqt", b"x")))
    assert not (tmp_path / "sessions.pqt").exists()


def test_whole_archives_pass(tmp_path: Path) -> None:
    held = io.BytesIO()
    np.savez_compressed(held, channels=np.zeros((1000, 40), np.int16))
    (tmp_path / "a.npz").write_bytes(held.getvalue())
    assert archive_problem(tmp_path / "a.npz") is None
    assert "not a whole zip file" in str(archive_problem(Path(__file__)))
