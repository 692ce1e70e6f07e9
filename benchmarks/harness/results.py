"""What was measured, kept as JSON: one entry for each row, with the machine, the day and the versions.

Contains reading, merging and writing of that file. Add here what is said of a whole run. The page made of it stands in
`benchmarks.harness.page`.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.harness.limits import Limits
from benchmarks.peers import ROOT

RESULTS = ROOT / "docs" / "benchmarks.json"


def machine() -> dict[str, Any]:
    """Return what a reader must know of the machine: its processor, cores, memory and system."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def stamped(result: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return a row's result with day, commit, machine and what the machine can do."""
    return {
        **result,
        "day": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "commit": _commit(),
        "machine": machine(),
        "limits": asdict(limits),
    }


def read_results(path: Path = RESULTS) -> dict[str, dict[str, Any]]:
    """Return stored results by the name of their row."""
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {one["name"]: one for one in stored}


def write_results(results: Mapping[str, Mapping[str, Any]], order: Iterable[str], path: Path = RESULTS) -> None:
    """Store results in the order of the rows; those of rows that are no more are left out."""
    text = json.dumps([results[name] for name in order if name in results], indent=1, sort_keys=True)
    path.write_text(_shorter(text) + "\n", encoding="utf-8")


def _shorter(text: str) -> str:
    """Round what a clock told to five digits: more is noise."""
    stored = json.loads(text, parse_float=lambda digits: float(f"{float(digits):.5g}"))
    return json.dumps(stored, indent=1, sort_keys=True)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short=10", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()
