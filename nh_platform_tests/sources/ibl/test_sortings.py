"""Sorter, revision and log of each insertion as the files table has them, and where the commands show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from nh_platform.cli.app import app
from nh_platform.session.tables.catalogue.manifest import FILES
from nh_platform.simulation import TINY, write_ibl
from nh_platform.simulation.file_bytes import write_parquet
from nh_platform.simulation.ibl.catalogue import simulate_catalogue
from nh_platform.simulation.ibl.one_tables import METADATA
from nh_platform.sources.ibl.catalogue.sortings import sorter_version, sortings

LOG = "15:39:37.919 [I] ibl:90               Starting Pykilosort version ibl_1.3.0^[[0m\n"


def files(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    """Return files of one session: group, collection, revision, name."""
    table = pd.DataFrame(rows, columns=["group", "collection", "revision", "name"])
    return FILES.conform(table.assign(session_id="s", probe="", default_revision=True))


def test_the_sorting_that_is_read_is_named_with_its_revision_and_its_log() -> None:
    found = sortings(
        files(
            ("spikes", "alf/probe00/pykilosort", "2024-05-06", "spikes.times.npy"),
            ("other", "alf/probe00", "", "spikes.times.npy"),
            ("other", "spike_sorters/pykilosort/probe00", "", "spike_sorting_pykilosort.log"),
            ("other", "spike_sorters/ks2_matlab/probe00", "", "spike_sorting_ks2.log"),
            ("spikes,qc", "alf/probe01/iblsorter", "", "spikes.times.npy"),
            ("other", "alf/probe01/iblsorter", "", "_ibl_log.info_iblsorter.log"),
            ("other", "logs", "", "_ibl_log.info.register_v1.4.11.log"),
            ("spikes", "alf/probe02", "", "spikes.times.npy"),
        )
    )
    rows = found.astype(object).where(found.notna(), None).itertuples(index=False)
    assert [tuple(row) for row in rows] == [
        ("s", "probe00", "pykilosort", "2024-05-06", "spike_sorters/pykilosort/probe00/spike_sorting_pykilosort.log"),
        ("s", "probe01", "iblsorter", "", "alf/probe01/iblsorter/_ibl_log.info_iblsorter.log"),
        ("s", "probe02", None, "", None),
    ]


def test_files_of_another_layout_name_no_sorting() -> None:
    assert len(sortings(files(("spikes,events", "session_1", "", "session_1.nwb")))) == 0
    assert len(sortings(FILES.empty())) == 0


@pytest.mark.parametrize(
    ("log", "version"),
    [
        (LOG, "ibl_1.3.0"),
        ("\x1b[0m15:39 [I] Starting Pykilosort version ibl_1.2.1, output in gnagga\x1b[0m\n", "ibl_1.2.1"),
        ("x\nStarting iblsorter version 1.10.0\nScratch dir /a\n", "1.10.0"),
        ("nothing of the kind", ""),
    ],
)
def test_the_version_is_read_from_either_log(log: str, version: str) -> None:
    assert sorter_version(log) == version


def test_the_commands_show_sorter_revision_log_and_version(tmp_path: Path) -> None:
    tree = tmp_path / "alf"
    write_ibl(tree, 1, seed=3, size=TINY)
    (tmp_path / "sources.yaml").write_text(f"ibl:\n  read: {{mode: local, root: {tree}}}\n")
    home = ["--home", str(tmp_path)]
    (spikes, *_) = sorted(tree.rglob("spikes.times.npy"))
    folder = next(parent for parent in spikes.parents if parent.name == "alf").parent
    probe = next(part for part in spikes.parts if part.startswith("probe"))
    datasets = pd.read_parquet(tree / "datasets.pqt")
    path = f"spike_sorters/pykilosort/{probe}/spike_sorting_pykilosort.log"
    (folder / path).parent.mkdir(parents=True)
    (folder / path).write_text(LOG)
    row = datasets[datasets["rel_path"].str.endswith("spikes.times.npy")].iloc[[0]].reset_index()
    row = row.assign(rel_path=path, id="4b7f0000-0000-4000-8000-00000000000a").set_index(datasets.index.names)
    write_parquet(tree / "datasets.pqt", pd.concat([datasets, row]).sort_index(), METADATA)

    def nh(*arguments: str) -> str:
        result = CliRunner().invoke(app, [*home, *arguments], env={"NH_HOME": ""})
        assert result.exit_code == 0, (result.output, result.stderr, result.exception)
        return result.output

    nh("sync", "ibl")
    listed = nh("probes", "--source", "ibl", "--format", "csv").splitlines()
    assert "sorter,revision,sorter_log" in listed[0]
    assert any(path in line and "pykilosort" in line for line in listed[1:])
    session = next(line for line in listed[1:] if path in line).split(",")[listed[0].split(",").index("eid")]
    shown = nh("show", "ibl", session)
    assert "ibl_1.3.0" in shown
    assert path in shown


def test_a_release_of_any_size_is_named_at_once() -> None:
    tables = simulate_catalogue(40)
    found = sortings(tables.files)
    assert set(found["session_id"]) <= set(tables.sessions["session_id"])
    assert len(found) == len(found.drop_duplicates(["session_id", "probe"])) > 0
    assert np.isin(found["sorter"].dropna().unique(), ["pykilosort", "iblsorter"]).all()
