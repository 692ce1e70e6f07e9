"""The card of an export: what it says, that it says the truth, and that others' tools read it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path

import pytest

from nh_platform import operations
from nh_platform.exports.data_card.card_facts import MARK, card_facts
from nh_platform.exports.data_card.card_files import write_card
from nh_platform.exports.export_folder import RECORD, ExportFolder
from nh_platform.exports.origin import Origin
from nh_platform.home.platform import Platform
from nh_platform.session import ConfigError, DamagedFile
from nh_platform_tests.cli.commands import nh
from nh_platform_tests.homes import WRITERS

SOURCES = tuple(WRITERS)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "exports.md"
BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
ORIGIN = Origin("lab", "s1", "Lab set", "2024_Q2", "", {}, "", (), "nh-platform 0", recorded="2023-05-06")


def made(folder: Path, origin: Origin = ORIGIN) -> Path:
    export = ExportFolder(folder, "made-up")
    with export.alone(), export.writing("lab/s1.bin", "x", [origin]) as fresh:
        fresh.write_bytes(b"12345")
    return folder


def card(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "croissant.json").read_text(encoding="utf-8")))


def test_a_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="it holds no export"):
        operations.describe_export(tmp_path)
    (tmp_path / RECORD).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="it holds no export"):
        operations.describe_export(tmp_path)


def test_a_file_that_changed_or_went_is_named(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "lab" / "s1.bin").write_bytes(b"54321")
    with pytest.raises(DamagedFile, match="it is not what was exported"):
        operations.describe_export(tmp_path)
    (tmp_path / "lab" / "s1.bin").unlink()
    with pytest.raises(DamagedFile, match="it is gone"):
        operations.describe_export(tmp_path)
    assert not (tmp_path / "croissant.json").exists()


def test_a_card_lists_what_is_there(tmp_path: Path) -> None:
    made(tmp_path)
    with ExportFolder(tmp_path, "made-up").alone():
        pass
    export = ExportFolder(tmp_path, "made-up")
    with export.writing("lab/s2.bin", "y", [Origin(**{**vars(ORIGIN), "session_id": "s2"})]) as fresh:
        fresh.write_bytes(b"1")
    (tmp_path / "lab" / "s1.bin").unlink()
    (tmp_path / "lab" / "s2.bin").write_bytes(b"22")
    facts = write_card(tmp_path)
    assert [(one.path, one.size, one.sha256) for one in facts.files] == [
        ("lab/s2.bin", 2, hashlib.sha256(b"22").hexdigest())
    ]
    assert [one["session_id"] for one in facts.origins] == ["s2"]
    assert not export.is_current("lab/s1.bin", "x")
    assert not export.is_current("lab/s2.bin", "y")


def test_every_export_has_a_card_with_size_hash_terms_and_citations(three_sources: Platform, tmp_path: Path) -> None:
    for source in SOURCES:
        operations.export_sessions(three_sources.settings.home, "parquet", source, tmp_path)
    stated = card(tmp_path)
    files = {one["@id"]: one for one in stated["distribution"] if one["@type"] == "cr:FileObject"}  # type: ignore[attr-defined]
    assert set(files) == {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.parquet")}
    for path, one in files.items():
        content = (tmp_path / path).read_bytes()
        assert one["sha256"] == hashlib.sha256(content).hexdigest()
        assert one["contentSize"] == f"{len(content)} B"
    for entry in map(three_sources.entry, SOURCES):
        assert entry.terms in str(stated["usageInfo"])
        assert entry.license in str(stated["license"])
        assert entry.terms in (tmp_path / "README.md").read_text(encoding="utf-8")
    assert "10.1038/s41586-025-09235-0" in str(stated["citeAs"])
    assert "nh-platform" in str(stated["citeAs"])
    fields = {one["name"]: one for records in stated["recordSet"] for one in records["field"]}  # type: ignore[attr-defined]
    assert fields["time"]["dataType"] == "cr:Float64"
    assert "Unit of measure: s." in fields["time"]["description"]
    zenodo = json.loads((tmp_path / ".zenodo.json").read_text(encoding="utf-8"))
    assert (zenodo["upload_type"], zenodo["license"]) == ("dataset", "other-nc")


@pytest.mark.parametrize("layout", ["npz", "npy"])
def test_arrays_are_record_sets(three_sources: Platform, tmp_path: Path, layout: str) -> None:
    operations.export_sessions(three_sources.settings.home, layout, "ibl", tmp_path)
    records = {one["name"]: one for one in card(tmp_path)["recordSet"]}  # type: ignore[attr-defined]
    assert records["spikes.times"]["field"][0]["dataType"] == "cr:Float64"
    assert {"unit_id", "good"} <= {field["name"] for field in records["units"]["field"]}


def test_the_date_is_that_of_the_data(tmp_path: Path) -> None:
    assert card_facts(made(tmp_path / "a")).published[0] == "2023-05-06"
    dated = Origin(**{**vars(ORIGIN), "release": "2024_05_06"})
    assert card_facts(made(tmp_path / "b", dated)).published == ("2024-05-06", "the date in the name of the release")
    nothing = Origin(**{**vars(ORIGIN), "recorded": ""})
    assert card_facts(made(tmp_path / "c", nothing)).published[0] == "1970-01-01"


def test_terms_that_nobody_stated_are_said_not_to_be_known(tmp_path: Path) -> None:
    write_card(made(tmp_path))
    assert card(tmp_path)["license"] == ["not known here"]
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert readme.startswith(MARK)
    assert "Lab set: not known here" in readme


def test_what_the_layout_wrote_beside_is_listed_and_checked(tmp_path: Path) -> None:
    made(tmp_path)
    (tmp_path / "README.md").write_text("# of the layout\n", encoding="utf-8")
    ExportFolder(tmp_path, "made-up").restate_beside(["README.md"])
    facts = write_card(tmp_path, check=True)
    assert ([one.path for one in facts.files], facts.others) == (["README.md", "lab/s1.bin"], ())
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == "# of the layout\n"
    (tmp_path / "README.md").write_text("# of another\n", encoding="utf-8")
    with pytest.raises(DamagedFile, match=r"README\.md: it is not what was exported"):
        write_card(tmp_path, check=True)


def test_what_no_export_wrote_is_named_and_not_listed(tmp_path: Path) -> None:
    folder, elsewhere = made(tmp_path / "out"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "private.txt").write_text("mine", encoding="utf-8")
    (folder / "README.md").write_text("# mine\n", encoding="utf-8")
    (folder / "lab" / ".hidden").write_text("mine", encoding="utf-8")
    (folder / "mine" / "deep").mkdir(parents=True)
    (folder / "mine" / "deep" / "one.txt").write_text("mine", encoding="utf-8")
    (folder / "link").symlink_to(elsewhere)
    (folder / "link.txt").symlink_to(elsewhere / "private.txt")
    (folder / "croissant.json.0123abcd.new").write_text("{", encoding="utf-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/menu\xe9")).write_text("mine", encoding="utf-8")
    facts = write_card(folder, check=True)
    assert [one.path for one in facts.files] == ["lab/s1.bin"]
    assert facts.others == ("README.md", "lab/.hidden", "link.txt", "link/", "menu\\xe9", "mine/")
    assert (folder / "README.md").read_text(encoding="utf-8") == "# mine\n"
    said = " ".join(nh(tmp_path, "export", "card", str(folder)).stdout.split())
    assert "no export wrote it: README.md, lab/.hidden, link.txt, link/, menu\\xe9, mine/" in said


@pytest.mark.parametrize("name", ["croissant.json", ".zenodo.json"])
def test_a_folder_in_the_place_of_the_card_is_named_and_stays(tmp_path: Path, name: str) -> None:
    (made(tmp_path) / name / "mine").mkdir(parents=True)
    with pytest.raises(ConfigError, match=f"{re.escape(name)}: it is a folder"):
        write_card(tmp_path)
    assert (tmp_path / name / "mine").is_dir()


def test_a_readme_that_is_a_folder_stays_and_a_card_that_is_a_link_is_replaced(tmp_path: Path) -> None:
    (made(tmp_path / "out") / "README.md").mkdir()
    (tmp_path / "kept.json").write_text("mine", encoding="utf-8")
    (tmp_path / "out" / "croissant.json").symlink_to(tmp_path / "kept.json")
    assert write_card(tmp_path / "out").others == ("README.md/",)
    assert not (tmp_path / "out" / "croissant.json").is_symlink()
    assert (tmp_path / "kept.json").read_text(encoding="utf-8") == "mine"


def test_a_file_that_became_a_link_is_not_what_was_exported(tmp_path: Path) -> None:
    folder = made(tmp_path / "out")
    (folder / "lab").rename(tmp_path / "lab")
    (folder / "lab").symlink_to(tmp_path / "lab")
    with pytest.raises(DamagedFile, match="it is a link"):
        write_card(folder, check=True)
    with pytest.raises(ConfigError, match="holds no exported session"):
        write_card(folder)


VALIDATE = """
import itertools, json, sys
import duckdb, mlcroissant as mlc, pandas as pd, polars as pl
folder = sys.argv[1]
issues = {}
for layout in ("parquet", "npz", "npy", "hdf5", "pack"):
    data = mlc.Dataset(jsonld=f"{folder}/{layout}/croissant.json")
    issues[layout] = [list(data.metadata.ctx.issues.errors), list(data.metadata.ctx.issues.warnings)]
data = mlc.Dataset(jsonld=f"{folder}/parquet/croissant.json")
first = next(iter(data.records("licks")))
tables = f"{folder}/parquet/*/*"
units = duckdb.sql(f"select source, count(*) from '{tables}/units.parquet' group by source order by source").fetchall()
(spikes,) = duckdb.sql(f"select count(*), sum(time) from '{tables}/spikes.parquet' where source = 'ibl'").fetchall()
lazy = pl.scan_parquet(f"{tables}/spikes.parquet").filter(pl.col("source").cast(pl.String) == "ibl")
by_polars = lazy.select(pl.len(), pl.col("time").sum()).collect().row(0)
exec(open(f"{folder}/docs.py").read(), {})
plain = {source: len(pd.read_parquet(f"{folder}/parquet/{source}/{session}/units.parquet"))
         for source, session in json.loads(sys.argv[2]).items()}
print(json.dumps({"issues": issues, "first": sorted(first), "units": units, "spikes": spikes, "polars": by_polars,
                  "pandas": plain}))
"""


@pytest.mark.peer
def test_mlcroissant_finds_no_fault_and_other_tools_read_the_tables(three_sources: Platform, tmp_path: Path) -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    home = three_sources.settings.home
    for layout in ("parquet", "npz", "npy", "hdf5"):
        for source in SOURCES:
            operations.export_sessions(home, layout, source, tmp_path / layout)
    operations.export_spike_pack(home, SOURCES, tmp_path / "pack")
    (tmp_path / "validate.py").write_text(VALIDATE, encoding="utf-8")
    sessions = {source: three_sources.store.sessions(source)[0] for source in SOURCES}
    section = PAGE.read_text(encoding="utf-8").partition("## parquet")[2]
    block = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    block = block.replace("tables/", f"{tmp_path}/parquet/").replace("<session>", sessions["ibl"])
    (tmp_path / "docs.py").write_text(block, encoding="utf-8")
    found = json.loads(run_in_peer("table_readers", tmp_path / "validate.py", tmp_path, json.dumps(sessions)))
    assert found["issues"] == {layout: [[], []] for layout in found["issues"]}
    assert "licks/times" in found["first"]
    from nh_platform import open_store

    views = {source: open_store(home).session(source, one) for source, one in sessions.items()}
    assert found["units"] == [[source, len(views[source].units)] for source in sorted(SOURCES)]
    assert found["pandas"] == {source: len(view.units) for source, view in views.items()}
    spikes = views["ibl"].spikes.times
    for count, total in (found["spikes"], found["polars"]):
        assert (count, total) == (len(spikes), pytest.approx(spikes.sum()))
