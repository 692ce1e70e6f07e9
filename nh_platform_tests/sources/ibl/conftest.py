"""A simulated ALF tree, written once, and private copies of it that a test may damage.

Add here what several tests of the IBL source share.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import SessionFiles
from nh_platform.simulation import TINY, write_ibl
from nh_platform.simulation.ibl.one_tables import METADATA
from nh_platform.sources.ibl import IblSettings, IblSource

SORTING = "alf/probe00/pykilosort/#2024-05-06#"


class Tree:
    """An ALF tree with ONE tables that stay in step with the files.

    Parameters
    ----------
    root
        Folder of the tree and its tables.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        sessions = pd.read_parquet(root / "sessions.pqt")
        self.eid = str(sessions.index[sessions["subject"] == "SWC_sim_001"][0])
        self.other = next((str(eid) for eid in sessions.index if eid != self.eid), "")
        row = sessions.loc[self.eid]
        self.folder = root / row["lab"] / "Subjects" / row["subject"] / str(row["date"]) / f"{row['number']:03d}"

    def source(self, **settings: object) -> IblSource:
        return IblSource(IblSettings.model_validate({"root": self.root, **settings}))

    def session(self, **settings: object) -> tuple[IblSource, SessionFiles]:
        source = self.source(**settings)
        return source, source.manifest().session(self.eid)

    def path(self, rel_path: str) -> Path:
        return self.folder / rel_path

    def load(self, rel_path: str) -> np.ndarray:
        return np.load(self.path(rel_path))

    def write(self, rel_path: str, content: object) -> None:
        """Replace or add a file and state its hash in the tables."""
        path = self.path(rel_path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)  # the inode is shared with the pristine tree
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, pd.DataFrame):
            content.to_csv(path, index=False) if path.suffix == ".csv" else content.to_parquet(path)
        else:
            np.save(path, np.asarray(content))
        state = {
            "hash": hashlib.md5(path.read_bytes()).hexdigest(),
            "file_size": path.stat().st_size,
            "exists": True,
        }
        self.edit(lambda table: _stated(table, self.eid, rel_path, state))

    def remove(self, *rel_paths: str) -> None:
        """Withdraw files from the tree and the tables."""
        for rel_path in rel_paths:
            self.path(rel_path).unlink()
        self.edit(lambda table: table[~(self.rows(table) & table["rel_path"].isin(rel_paths))])

    def rows(self, table: pd.DataFrame) -> np.ndarray:
        return np.asarray(table.index.get_level_values("eid") == self.eid)

    def edit(self, change: Callable[[pd.DataFrame], pd.DataFrame], name: str = "datasets") -> None:
        """Rewrite a ONE table."""
        from iblutil.io import parquet

        table = change(pd.read_parquet(self.root / f"{name}.pqt"))
        (self.root / f"{name}.pqt").unlink()
        parquet.save(self.root / f"{name}.pqt", table.sort_index(), METADATA)


def _stated(table: pd.DataFrame, eid: str, rel_path: str, state: dict[str, object]) -> pd.DataFrame:
    here = (table.index.get_level_values("eid") == eid) & (table["rel_path"] == rel_path)
    if here.any():
        for column, value in state.items():
            table.loc[here, column] = value
        return table
    digest = hashlib.md5(f"{eid}/{rel_path}".encode()).hexdigest()
    did = f"{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:]}"
    row = {"rel_path": rel_path, **state, "qc": "PASS", "default_revision": True}
    new = pd.DataFrame([row], index=pd.MultiIndex.from_tuples([(eid, did)], names=["eid", "id"]))
    return pd.concat([table, new[table.columns].astype(table.dtypes)])


@pytest.fixture(scope="session")
def simulated_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two simulated sessions; not to be changed."""
    root = tmp_path_factory.mktemp("alf")
    write_ibl(root, 2, seed=1, size=TINY)
    return root


@pytest.fixture(scope="session")
def pristine(simulated_root: Path) -> Tree:
    """Give the simulated tree as it was written; not to be changed."""
    return Tree(simulated_root)


@pytest.fixture
def tree(simulated_root: Path, tmp_path: Path) -> Tree:
    """Give a copy of the simulated tree that the test may damage through the methods of `Tree`.

    Files are hard links: 5 ms instead of 100 ms for 200 files. What writes into files in place needs `own_tree`.
    """
    root = tmp_path / "alf"
    shutil.copytree(simulated_root, root, copy_function=os.link)
    return Tree(root)


@pytest.fixture
def own_tree(simulated_root: Path, tmp_path: Path) -> Tree:
    """Give a true copy of the simulated tree, for what writes into files in place."""
    root = tmp_path / "alf"
    shutil.copytree(simulated_root, root)
    return Tree(root)
