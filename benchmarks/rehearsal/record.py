"""The record of a rehearsal: what each stage took, as one JSON file that is written after each and read to go on.

Contains the record and the machine that it is of. What is measured is `watching`; which stages there are, `stages`.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Stage:
    """What a stage took.

    Parameters
    ----------
    name
        Name of the stage.
    n_sessions
        Sessions that it was for.
    wall_s, cpu_s
        Seconds; CPU seconds are those of all of its processes, ``nan`` where they were not counted.
    peak_bytes
        Most memory of all of its processes together (PSS, shared pages counted once), or of its one process (RSS).
    load
        Mean load of the machine meanwhile, with all that others did.
    more
        What else is to be known of it.
    """

    name: str
    n_sessions: int
    wall_s: float
    cpu_s: float
    peak_bytes: float
    load: float
    more: dict[str, Any] = field(default_factory=dict)


class Record:
    """The record of a rehearsal in its file; what was measured before is there when it is opened again.

    Parameters
    ----------
    path
        Where.
    asked
        What the rehearsal was asked for.

    Raises
    ------
    ValueError
        If what is in the file was measured at another commit: its figures are not those of this code.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any]) -> None:
        self.path = path
        self.content: dict[str, Any] = {"stages": []}
        if path.exists():
            self.content = json.loads(path.read_text(encoding="utf-8"))
        self.content.update(machine=machine(), asked=dict(asked))
        if self.content["stages"] and self.content.get("commit") != commit():
            of = self.content.get("commit", "")[:12] or "no commit"
            raise ValueError(f"{path} holds what {of} took, and this is {commit()[:12]}: give another --result")
        self.content["commit"] = commit()
        self.content.setdefault("began", time.strftime("%Y-%m-%d", time.gmtime()))

    def has(self, name: str) -> bool:
        """Whether a stage was measured already."""
        return any(stage["name"] == name for stage in self.content["stages"])

    def add(self, stage: Stage) -> None:
        """Add a stage and print it."""
        self.content["stages"].append(asdict(stage))
        self.write()
        print(
            f"{stage.name}: {stage.n_sessions} sessions, {stage.wall_s:.1f} s, {stage.cpu_s:.1f} CPU s, "
            f"{stage.peak_bytes / 1e9:.2f} GB at its peak, load {stage.load:.1f}; {_short(stage.more)}",
            flush=True,
        )

    def put(self, name: str, found: Any) -> None:
        """Keep something beside the stages."""
        self.content[name] = found
        self.write()

    def write(self) -> None:
        """Write the file."""
        write_json(self.path, self.content)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a result as JSON, with its keys in order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return what the machine is: processor, cores, memory [bytes], Python."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory_bytes": memory,
        "python": platform.python_version(),
    }


def stamp() -> dict[str, Any]:
    """Return what a result is of: the day, the commit and the machine."""
    return {"day": time.strftime("%Y-%m-%d", time.gmtime()), "commit": commit(), "machine": machine()}


def commit() -> str:
    """Return the commit of this checkout; empty where there is none."""
    here = Path(__file__).parent
    asked = subprocess.run(["git", "-C", str(here), "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def _short(more: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in more.items()
    )
