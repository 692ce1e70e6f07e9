"""A scripted history of releases on the loopback Alyx, with what each step should make the platform do.

The expectations are fixed by hand. Add a step here when upstream is seen to move in a new way. How the platform is
driven over the history, and what is asserted, stands in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from nh_platform.simulation import TINY, add_revision, add_session, remove_session, write_ibl
from nh_platform.simulation.ibl.ibl_session import simulate_ibl_session
from nh_platform_tests.homes import SEED
from nh_platform_tests.loopback.state import AlyxState

ALL = ("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings", "session_report")
BELOW_SPIKES = ("units", "windows", "unit_embeddings", "session_report")

Runs = Mapping[str, tuple[str, ...]]
"""Assets that are made again, by session; in running order."""


def write_first_release(folder: Path) -> None:
    """Write the two sessions that the history starts with."""
    write_ibl(folder, 2, SEED, size=TINY)


def session_id(index: int) -> str:
    """Return the id of the simulated session number ``index``."""
    return str(simulate_ibl_session(SEED, index, TINY).eid)


def new_session(state: AlyxState) -> Runs:
    session = add_session(state.root, 2, SEED, size=TINY)
    state.sync_tree()
    return {session.session_id: ALL}


def resort_of_one_probe(state: AlyxState) -> Runs:
    add_revision(state.root, 0, SEED, size=TINY, probe="probe00", revision="2026-01-01")
    state.sync_tree()
    return {session_id(0): ("raw_spikes", *BELOW_SPIKES)}


def wheel_patch(state: AlyxState) -> Runs:
    session = session_id(1)
    path = state.local_path(state.find(session, "alf/_ibl_wheel.position.npy"))
    turned = path.with_suffix(".turned")
    with turned.open("wb") as handle:
        np.save(handle, -np.load(path))
    content = turned.read_bytes()
    turned.unlink()
    state.patch_file(session, "alf/_ibl_wheel.position.npy", content)
    return {session: ("signals", "session_report")}


def qc_change(state: AlyxState) -> Runs:
    state.set_dataset_qc(session_id(1), "alf/_ibl_trials.table.pqt", "WARNING")
    return {session_id(1): ("units", "session_report")}


def realignment(state: AlyxState) -> Runs:
    session = session_id(0)
    pid = next(p for p, record in state.insertions.items() if session in str(record["session"]))
    state.set_insertion(pid, alignment_resolved=True, alignment_stored="2026-02-02T10:00:00_someone")
    return {session: ("units", "session_report")}


def timestamp_touch(state: AlyxState) -> Runs:
    for index in (0, 1, 2):
        state.touch(session_id(index))
    return {}


def tag_only(state: AlyxState) -> Runs:
    """Tag files of one session, which were in no release: its page names its first release, and nothing else moves."""
    tagged = list(state.datasets)[:5]
    state.add_tag("2026_Q1_Test", tagged)
    (session,) = {str(state.datasets[one]["session"]) for one in tagged}
    return {session: ("session_report",)}


def notice_only(state: AlyxState) -> Runs:
    state.add_notice("The wheel of some sessions is turned around")
    return {}


def deletion(state: AlyxState) -> Runs:
    remove_session(state.root, session_id(1))
    state.delete_session(session_id(1))
    return {}


def old_row_becomes_public(state: AlyxState) -> Runs:
    session = add_session(state.root, 3, SEED, size=TINY)
    state.sync_tree()
    for record in state.datasets.values():
        if session.session_id in str(record.get("session", "")) or record.get("eid") == session.session_id:
            record["auto_datetime"] = "2019-01-01T00:00:00"
    return {session.session_id: ALL}


HISTORY: tuple[tuple[Callable[[AlyxState], Runs], ...], ...] = (
    (new_session, resort_of_one_probe, wheel_patch),
    (qc_change, realignment),
    (timestamp_touch, tag_only, notice_only),
    (deletion,),
    (old_row_becomes_public,),
)
"""Steps, by release. Those of one release touch different sessions, or none: what ran for which is told by that."""

FOUND_BY_THE_DAILY_LOOK = (deletion,)
"""Steps that move nothing which the sensor asks for; the others are noticed within a tick."""


def table(rows: list[tuple[str, Runs, Runs]]) -> str:
    """Return expected and actual runs as a table to read."""

    def words(runs: Runs) -> str:
        return "; ".join(f"{session[:8]}: {', '.join(assets)}" for session, assets in sorted(runs.items())) or "none"

    lines = [f"{'steps':<46} {'expected':<72} actual"]
    lines += [f"{name:<46} {words(expected):<72} {words(actual)}" for name, expected, actual in rows]
    return "\n".join(lines)
