"""Damage to one optional object of a simulated session, and what the platform makes of the session then.

Contains the kinds of damage, the optional objects of each source, and the run of one case. Add a kind of damage here
when upstream is seen to do one more thing. What must hold is asserted in `test_messy_sessions`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from nh_platform.history.publishing import store_manifest
from nh_platform.history.snapshots import read_manifest
from nh_platform.home.platform import Platform
from nh_platform.planning.making import make_session_asset
from nh_platform.planning.staleness import standing_of
from nh_platform.planning.versions import SourcePlan
from nh_platform.reports.session_page.stored import PAGE_FILE
from nh_platform.session import NhError
from nh_platform.store.names import PROVENANCE
from nh_platform_tests.sources.allen.vbn import edit_upstream
from nh_platform_tests.sources.ibl.conftest import Tree

DAMAGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "truncated": lambda a: a[:-1],
    "emptied": lambda a: a[:0],
    "longer by a row": lambda a: np.concatenate([a, a[-1:]]),
    "NaN": lambda a: np.full(a.shape, np.nan),
    "unsorted": lambda a: a[::-1],
    "text": lambda a: np.full(a.shape, "x"),
}
"""What is done to the rows of a dataset; a dataset may be removed as well."""
REMOVED = "removed"

IBL_REQUIRED = re.compile(r"spikes\.(times|clusters)\.npy|clusters\.channels\.npy|_ibl_trials\.table\.pqt")
"""Datasets on which everything hangs; of the trials table, its columns are damaged one by one."""
NWB_REQUIRED = re.compile(
    r"units/(id|spike_times|spike_times_index|peak_channel_id|cluster_id)|.*/id|intervals/.*/start_time"
    r"|general/extracellular_ephys/electrodes/(id|probe_id|group|group_name)|file_create_date|general/keywords"
)


ALONE = re.compile(r".*/(_ibl_passive\w+\.\w+\.csv|licks\.times\.npy|processing/licking/licks/timestamps)")
"""Objects that nothing else says the length of: with a row more or fewer they are another whole object."""
TIMES = re.compile(r".*(times|timestamps|start_time|stop_time|intervals)(\.npy)?(:.*)?")
"""Objects whose order is known; values that stand in another order are other values."""


COLUMNS = re.compile(r"(units|intervals/\w+)/(?!start_time|stop_time)\w+")
"""Columns that one release has and another has not: what lacks is no column, and each rule says what that counts as."""


NAMES = re.compile(r"(.*/)?(\w*image_name|stimulus_name|units/quality|units|mask|condition)")
"""Texts of which upstream may write any."""


def can_be_told(thing: str, damage: str) -> bool:
    """Return whether a damaged object differs from one that upstream may mean."""
    if damage == REMOVED and COLUMNS.fullmatch(thing):
        return False
    if damage == "text" and NAMES.fullmatch(thing):
        return False
    if damage == "unsorted":
        return TIMES.fullmatch(thing) is not None
    return ALONE.fullmatch(thing) is None or damage not in ("truncated", "longer by a row")


@dataclass(frozen=True)
class Case:
    """One object of a session of a source, and the damage that is done to it."""

    source: str
    thing: str
    damage: str

    def __str__(self) -> str:
        return f"{self.source}: {self.thing} {self.damage}"


@dataclass(frozen=True)
class Outcome:
    """What became of a session: assets that could not be made, and those that differ from before without a note."""

    failed: dict[str, str]
    silent: tuple[str, ...]
    notes: tuple[str, ...]


class MessyHome:
    """A home with one session that is made, and is made again with one object damaged.

    Parameters
    ----------
    platform
        Its platform, the one source synced and made.
    source
        Name of the source.
    """

    def __init__(self, platform: Platform, source: str) -> None:
        self.platform, self.source = platform, source
        self.upstream = platform.settings.home / "upstream" / source
        self.intact = platform.settings.home / "intact"
        shutil.copytree(self.upstream, self.intact)
        self.session_id = self._sync()
        self.before = self._make()
        assert not self.before[1], self.before[1]

    def _sync(self) -> str:
        platform = Platform(self.platform.settings)
        store_manifest(platform.store, platform.source(self.source).manifest(), "1")
        (session_id,) = read_manifest(platform.store, self.source).session_ids
        return session_id

    def _make(self) -> tuple[dict[str, tuple[dict[str, bytes], tuple[str, ...]]], dict[str, str]]:
        """Make what is stale; return the files and notes of every asset, and why assets could not be made."""
        platform = Platform(self.platform.settings)
        files, plan = platform.manifest(self.source).session(self.session_id), SourcePlan(platform, self.source)
        failed: dict[str, str] = {}
        for name in standing_of(plan, files).stale:
            try:
                make_session_asset(platform, self.source, self.session_id, name)
            except Exception as error:  # noqa: BLE001  a traceback is what the test looks for
                failed[name] = f"{'' if isinstance(error, NhError) else 'TRACEBACK '}{type(error).__name__}: {error}"
        made = {}
        for name in plan.assets:
            folder = platform.store.current(self.source, self.session_id, name)
            if folder is not None:
                record = platform.store.provenance(self.source, self.session_id, name)
                assert record is not None
                # The page states the versions of what it was made from, which move with the bytes of upstream's file.
                apart = (PROVENANCE, PAGE_FILE)
                files_of = [path for path in folder.rglob("*") if path.is_file() and path.name not in apart]
                content = {str(path.relative_to(folder)): path.read_bytes() for path in files_of}
                made[name] = (content, tuple(record.left_out))
        return made, failed

    def run(self, case: Case) -> Outcome:
        """Damage one object, make the session, and put everything back."""
        try:
            damage(self.upstream, case)
            self._sync()
            made, failed = self._make()
        finally:
            shutil.rmtree(self.upstream)
            shutil.copytree(self.intact, self.upstream)
        intact, _ = self.before
        notes = tuple(note for name in made for note in made[name][1] if note not in intact[name][1])
        differing = tuple(name for name in made if made[name][0] != intact[name][0])
        told = bool(notes) or not can_be_told(case.thing, case.damage)
        return Outcome(failed, () if told else differing, notes)


def cases(source: str, upstream: Path) -> Iterator[Case]:
    """Return every case of a source, in a fixed order."""
    for thing, kinds in _things(source, upstream):
        for damage_ in kinds:
            yield Case(source, thing, damage_)


def _things(source: str, upstream: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    if source == "ibl":
        tree = Tree(upstream)
        listed = sorted(
            str(p.relative_to(tree.folder)) for p in tree.folder.rglob("*") if p.suffix in (".npy", ".pqt", ".csv")
        )
        read = [one for one in listed if "#" in one or "pykilosort" not in one]
        for path in read:
            name = path.rpartition("/")[2]
            if name == "_ibl_trials.table.pqt":
                for column in pd.read_parquet(tree.path(path)).columns:
                    if column != "intervals_0":
                        yield f"{path}:{column}", ("NaN", "text", REMOVED)
            elif not IBL_REQUIRED.fullmatch(name) and not name.startswith("templates."):
                yield path, (*DAMAGE, REMOVED)
        return
    file = _nwb_file(upstream)
    names: list[str] = []
    with h5py.File(file) as nwb:
        nwb.visititems(lambda name, one: names.append(name) if isinstance(one, h5py.Dataset) and one.ndim else None)
    for name in sorted(names):
        if not NWB_REQUIRED.fullmatch(name):
            yield name, (*DAMAGE, REMOVED)


def _nwb_file(upstream: Path) -> Path:
    """Return the session's file; Visual Behavior keeps one per release, of which the newest is read."""
    return max(upstream.rglob("*.nwb"))


def damage(upstream: Path, case: Case) -> None:
    """Do the damage of a case in the folder of its source, as if upstream had released it so."""
    if case.source == "ibl":
        _damage_alf(Tree(upstream), case)
    elif case.source == "allen_vbn":  # its manifest states the hash of the file
        edit_upstream(upstream, 0, lambda nwb: _damage_nwb(nwb, case))
    else:
        with h5py.File(_nwb_file(upstream), "r+") as nwb:
            _damage_nwb(nwb, case)


def _damage_alf(tree: Tree, case: Case) -> None:
    path, _, column = case.thing.partition(":")
    if case.damage == REMOVED and not column:
        tree.remove(path)
        return
    if path.endswith(".npy"):
        tree.write(path, DAMAGE[case.damage](tree.load(path)))
        return
    read = pd.read_csv if path.endswith(".csv") else pd.read_parquet
    table = read(tree.path(path))
    if column:
        values = None if case.damage == REMOVED else DAMAGE[case.damage](table[column].to_numpy())
        tree.write(path, table.drop(columns=column) if values is None else table.assign(**{column: values}))
        return
    whole: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "truncated": lambda t: t[:-1],
        "emptied": lambda t: t[:0],
        "longer by a row": lambda t: pd.concat([t, t[-1:]]),
        "NaN": lambda t: t.assign(**dict.fromkeys(t.columns[1:], np.nan)),
        "unsorted": lambda t: t[::-1],
        "text": lambda t: t.assign(**dict.fromkeys(t.columns[1:], "x")),
    }
    tree.write(path, whole[case.damage](table))


def _damage_nwb(nwb: h5py.File, case: Case) -> None:
    old = nwb[case.thing]
    attributes, stored_dtype = dict(old.attrs), old.dtype
    text = h5py.check_string_dtype(stored_dtype) is not None
    values = old.asstr()[...] if text else old[...]
    del nwb[case.thing]
    if case.damage == REMOVED:
        return
    if values.dtype.kind == "V" or h5py.check_ref_dtype(stored_dtype) is not None:
        changed = values[: {"truncated": -1, "emptied": 0}.get(case.damage, len(values))]
        new = nwb.create_dataset(case.thing, data=changed, dtype=stored_dtype)
    else:
        changed = DAMAGE[case.damage](values.astype(object) if text else values)
        if text or changed.dtype.kind == "U":
            new = nwb.create_dataset(case.thing, data=changed.astype(str).astype(object), dtype=h5py.string_dtype())
        else:
            new = nwb.create_dataset(case.thing, data=changed)
    for name, value in attributes.items():
        new.attrs[name] = value
