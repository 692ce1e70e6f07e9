"""Commands as a user gives them, each in a process of its own: rows on start-up, and on a session's whole chain.

``python -m benchmarks.jobs.commands JOB FOLDER OUTPUT.npz``, started by the harness. FOLDER has upstream files of IBL
sessions, of which a home is made first. What a command takes is counted with its start and its imports; compiled code
is cached. This process imports nothing heavy: what it starts would inherit its peak of memory. OUTPUT gets ``said``,
what was printed, and of jobs that make something ``assets``, ``n_spikes`` and ``n_units``. Add a command here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness.homes import SOURCE
from benchmarks.turns import Spent, take_turns

CHAIN = ("raw_spikes", "units", "events", "windows", "unit_embeddings")
"""From upstream's spikes to embeddings; events are what windows are aligned to."""
NH = (sys.executable, "-m", "nh_platform.cli")


@dataclass(frozen=True)
class Asked:
    """A command, what comes before it, whether a session is looked at afterwards, and variables beside those here."""

    command: tuple[str, ...]
    before: Callable[[], object] | None = None
    makes: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


def nh_help(home: Path, session_id: str) -> Asked:
    """Print the help."""
    return Asked((*NH, "--help"))


def nh_status(home: Path, session_id: str) -> Asked:
    """Say how a home stands."""
    return Asked((*NH, "--home", str(home), "status"))


def definitions(home: Path, session_id: str) -> Asked:
    """Load what the code location serves."""
    words = "import nh_platform.definitions as d; print(len(list(d.defs.resolve_all_asset_specs())), 'assets')"
    return Asked((sys.executable, "-c", words))


def materialize(home: Path, session_id: str) -> Asked:
    """Make every asset of a session, checks included, from its upstream files; nothing of it is stored before."""

    def forget() -> None:
        shutil.rmtree(home / "store" / SOURCE / session_id)

    return Asked((*NH, "--home", str(home), "materialize", SOURCE, session_id), forget, makes=True)


def materialize_chain(home: Path, session_id: str) -> Asked:
    """Make `CHAIN` of a session, checks included, as `materialize` makes everything."""
    whole = materialize(home, session_id)
    named = [word for asset in CHAIN for word in ("--asset", asset)]
    return replace(whole, command=(*whole.command, *named))


def first_session(home: Path, session_id: str) -> Asked:
    """Make every asset of a session with nothing compiled before."""
    forget, compiled = materialize(home, session_id).before, home / "compiled"
    assert forget is not None

    def forget_all(forget: Callable[[], object] = forget) -> None:
        forget()
        shutil.rmtree(compiled)

    command = (sys.executable, "-m", "benchmarks.jobs.first_session", str(home), session_id)
    return Asked(command, forget_all, makes=True, variables={"NUMBA_CACHE_DIR": str(compiled)})


def first_session_warmed(home: Path, session_id: str) -> Asked:
    """Make every asset of a session after `nh doctor --warm` of an installation that had compiled nothing."""
    cold = first_session(home, session_id)
    warm = (*NH, "--home", str(home), "doctor", "--warm", "--offline")
    subprocess.run(warm, env={**os.environ, **cold.variables}, check=False, stdout=subprocess.DEVNULL)
    return replace(cold, before=materialize(home, session_id).before)


def demo(home: Path, session_id: str) -> Asked:
    """Make the demo, all of it."""
    folder = home / "demo"
    return Asked((*NH, "demo", "--folder", str(folder)), lambda: shutil.rmtree(folder))


def demo_fresh(home: Path, session_id: str) -> Asked:
    """Make the demo with nothing compiled before."""
    folder, compiled = home / "demo", home / "compiled"

    def forget() -> None:
        shutil.rmtree(folder)
        shutil.rmtree(compiled)

    return replace(demo(home, session_id), before=forget, variables={"NUMBA_CACHE_DIR": str(compiled)})


JOBS = {
    job.__name__: job
    for job in (
        nh_help,
        nh_status,
        definitions,
        materialize,
        materialize_chain,
        first_session,
        first_session_warmed,
        demo,
        demo_fresh,
    )
}


def stored(home: Path, session_id: str) -> None:
    """Print what is stored of a session, in a process of its own."""
    from nh_platform import open_store

    spikes = open_store(home).session(SOURCE, session_id).spikes
    assets = sorted(path.name for path in (home / "store" / SOURCE / session_id).iterdir() if path.is_dir())
    print(json.dumps({"assets": assets, "n_spikes": len(spikes.times), "n_units": spikes.n_units}))


def _asked(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip().splitlines()[-1]


def main() -> None:
    """Run one job at each word of the harness."""
    name, source, target = sys.argv[1:4]
    with tempfile.TemporaryDirectory() as made:
        home = Path(made) / "home"
        home.mkdir()
        os.environ.pop("DAGSTER_HOME", None)
        os.environ |= {"NH_HOME": str(home), "DAGSTER_DISABLE_TELEMETRY": "1"}
        sessions = [""]
        if name != nh_help.__name__:
            sessions = _asked(sys.executable, "-m", "benchmarks.harness.homes", str(home), source).split()
            _asked(*NH, "--home", str(home), "sync", SOURCE)
        asked, output = JOBS[name](home, sessions[0]), Path(made) / "output"

        def run() -> Spent:
            with output.open("w") as file:
                environment = {**os.environ, **asked.variables}
                process = subprocess.Popen(asked.command, stdout=file, stderr=subprocess.STDOUT, env=environment)
                _, status, spent = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode:
                said = output.read_text()[-3000:]
                raise SystemExit(f"`{' '.join(asked.command)}` ended with status {process.returncode}:\n{said}")
            return Spent(spent.ru_maxrss * 1024)

        run()  # compiles what is not compiled yet
        words = "" if name in (nh_help.__name__, demo.__name__, demo_fresh.__name__) else "a home with a session"
        found: dict[str, Any] = {}
        if compiled := re.search(r"^compiled \d+ in (\S+) s", output.read_text(), re.MULTILINE):
            found["figure_jit_s"] = float(compiled[1])
        if asked.makes:
            found |= json.loads(_asked(sys.executable, "-m", __spec__.name, "--stored", str(home), sessions[0]))
            words = f"{found['n_spikes']:,} spikes of {found['n_units']:,} units, {len(found['assets'])} assets"
        np.savez(target, said=output.read_text(), input=words, **found)
        take_turns(run, ("dagster", "numpy"), asked.before)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stored"]:
        stored(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
