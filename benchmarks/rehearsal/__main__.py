"""The rehearsal of a release, as a user makes one: simulated, synced, backfilled, joined and looked over.

    uv run python -m benchmarks.rehearsal --home FOLDER [--small 459] [--full 40] [--more 541] [--result FILE]

Simulates ``--small`` small IBL sessions, syncs them, and has `nh ui` work off `nh backfill`; then ``--full`` sessions
of the size of a real insertion in batches, whose upstream files are removed once they are made (0.57 GB each); then
``--more`` small sessions by `nh materialize`, which is cheaper, for pages of many sessions. Every stage is written into
the result with its wall and CPU seconds, memory at its peak, the load of the machine and the bytes on disk. Stopped at
any moment, the same command goes on where it was: a stage that was cut off is measured for the sessions that are left.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import warnings
from pathlib import Path

from benchmarks.rehearsal.record import Record, Stage
from benchmarks.rehearsal.served import LAST_ASSET, SOURCE, nh, served, worked_off
from benchmarks.rehearsal.simulate import written
from benchmarks.rehearsal.watching import Tree, folder_bytes, timed
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.operations.backfills.backfill_needs import backfill_needs
from nh_platform.planning.session_states import source_states
from nh_platform.session.errors import UnknownSession

_LARGE_BYTES = 10_000_000


def main() -> None:
    """Rehearse, or go on."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, required=True, help="folder of the home, kept; given again, it goes on")
    parser.add_argument("--small", type=int, default=459, help="small sessions")
    parser.add_argument("--full", type=int, default=40, help="sessions of the size of a real insertion")
    parser.add_argument(
        "--batch", type=int, default=5, help="full-size sessions at a time: 0.57 GB of upstream files each"
    )
    parser.add_argument("--more", type=int, default=0, help="small sessions beyond, by nh materialize")
    parser.add_argument(
        "--tick-s", type=int, default=30, help="seconds between ticks of the sensor (default of nh: 120)"
    )
    parser.add_argument("--port", type=int, default=3979)
    parser.add_argument("--result", type=Path, help="JSON file; default: rehearsal.json in the home")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in ("DAGSTER_HOME", "NH_STORE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    home = arguments.home.absolute()
    home.mkdir(parents=True, exist_ok=True)
    asked = {name: getattr(arguments, name) for name in ("small", "full", "more", "tick_s")}
    rehearsal = Rehearsal(home, Record(arguments.result or home / "rehearsal.json", asked))
    rehearsal.prepare()
    if arguments.small:
        rehearsal.grow("small", arguments.small, "tiny")
        with served(home, arguments.port, arguments.tick_s) as tree:
            rehearsal.work_off("small", tree)
    until = arguments.small
    while until < arguments.small + arguments.full:
        until = min(until + arguments.batch, arguments.small + arguments.full)
        name = f"full to {until - arguments.small}"
        rehearsal.grow(name, until, "benchmark")
        with served(home, arguments.port, arguments.tick_s) as tree:
            rehearsal.work_off(name, tree)
        rehearsal.drop_upstream_files()
    if arguments.more:
        rehearsal.grow("more", until + arguments.more, "tiny")
        rehearsal.command("more: nh materialize", arguments.more, "materialize", SOURCE, "--missing")
    rehearsal.look_over()


class Rehearsal:
    """A home that is rehearsed in, and its record."""

    def __init__(self, home: Path, record: Record) -> None:
        self.home, self.record = home, record
        self.upstream = home / "upstream" / SOURCE

    def prepare(self) -> None:
        """Write the settings of the home."""
        text = f"{SOURCE}:\n  read: {{mode: local, root: upstream/{SOURCE}}}\n"
        (self.home / "sources.yaml").write_text(text, encoding="utf-8")

    def grow(self, name: str, until: int, size: str) -> None:
        """Simulate sessions until the release has so many, and sync it."""
        before = len(written(self.upstream))
        if before < until:
            where = [sys.executable, "-m", "benchmarks.rehearsal.simulate", str(self.upstream)]
            stage = timed(f"{name}: simulate", until - before, [*where, "--until", str(until), "--size", size])
            stage.more["upstream_bytes"], _ = folder_bytes(self.upstream)
            self.record.add(stage)
        if len(self._listed()) < until:
            self.command(f"{name}: nh sync", until, "sync", SOURCE)

    def work_off(self, name: str, tree: Tree) -> None:
        """Have the daemon make what is not made, and join it."""
        platform = Platform(load_settings(self.home))
        store = platform.store
        made = {one for one in store.sessions(SOURCE) if LAST_ASSET in store.assets(SOURCE, one)}
        sessions = set(platform.manifest(SOURCE).session_ids) - made
        if not sessions:
            return
        said = self._dry_run(platform)
        for stage in worked_off(self.home, tree, f"{name}: nh backfill", sessions):
            stage.more.update(said)
            said = {}
            self.record.add(self._with_disk(stage))

    def _dry_run(self, platform: Platform) -> dict[str, float]:
        """Return what `nh backfill --dry-run` says of sessions that are not made, and what the store holds before."""
        states = source_states(platform, SOURCE).sessions
        needs = backfill_needs(platform, SOURCE, {state.session_id: state.stale for state in states if state.stale})
        before, _ = folder_bytes(self.home / "store")
        return {"said_store_bytes": needs.store_bytes, "said_cpu_s": needs.cpu_s, "store_bytes_before": float(before)}

    def command(self, name: str, n_sessions: int, *arguments: str) -> None:
        """Run a command of `nh` as a stage."""
        stage = timed(name, n_sessions, nh(self.home, *arguments), log=self.home / "commands.log")
        self.record.add(self._with_disk(stage))

    def look_over(self) -> None:
        """Ask for the state of everything, write the site and verify the store: what a person does after a release."""
        n = len(self._listed())
        self.command("nh status", n, "status")
        shutil.rmtree(self.home / "site", ignore_errors=True)
        self.command("nh qc report", n, "qc", "report", "current", "--source", SOURCE, "--out", str(self.home / "site"))
        self.command("nh verify", n, "verify")

    def drop_upstream_files(self) -> None:
        """Remove the upstream files of full-size sessions that are made; the tables of the release stay."""
        for path in self.upstream.rglob("spikes.*.npy"):
            if path.stat().st_size > _LARGE_BYTES:
                path.unlink()

    def _listed(self) -> tuple[str, ...]:
        try:
            return tuple(Platform(load_settings(self.home)).manifest(SOURCE).session_ids)
        except UnknownSession:  # never synced
            return ()

    def _with_disk(self, stage: Stage) -> Stage:
        for part in ("store", "dagster", "upstream"):
            stage.more[f"{part}_bytes"], stage.more[f"{part}_files"] = folder_bytes(self.home / part)
        return stage


if __name__ == "__main__":
    main()
