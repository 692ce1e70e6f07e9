"""What was measured for the page: one JSON file beside it, taken from the results of rehearsals.

Contains the file, what is refused as too small, and the coefficients that the projection takes from it. Add a section
here when a script of `benchmarks.rehearsal` writes one. How sections are shown is `measured_tables`.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.peers import ROOT
from benchmarks.scale.projection import Measured

RESULTS = ROOT / "docs" / "scale.json"
SECTIONS = {
    "rehearsal": "small sessions through `nh ui`, then more by `nh materialize`: python -m benchmarks.rehearsal",
    "full": "sessions of the size of a real insertion: python -m benchmarks.rehearsal --small 0 --full 40",
    "pages_sqlite": "pages on SQLite: python -m benchmarks.rehearsal.pages",
    "pages_postgres": "pages on PostgreSQL: python -m benchmarks.rehearsal.pages --postgres",
    "workers": "one worker and two: python -m benchmarks.rehearsal.workers",
    "requests": "requests to a bucket: python -m benchmarks.rehearsal.bucket_requests",
}
"""Sections of the file, and what measures them."""
_LEAST = {"rehearsal": 1000, "full": 40, "pages_sqlite": 1000, "pages_postgres": 1000, "workers": 4}
"""Sessions below which a section is a trial of the script and no figure."""
PARTITIONED = ": nh backfill"


def read_results(path: Path = RESULTS) -> dict[str, Any]:
    """Return what was measured; nothing where there is no file."""
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def taken(results: Mapping[str, Any], name: str, path: Path, *, is_trial: bool = False) -> dict[str, Any]:
    """Return the results with one section of a file that a script wrote.

    Raises
    ------
    ValueError
        If there is no such section, or the file is of a trial with few sessions.
    """
    if name not in SECTIONS:
        raise ValueError(f"no section is called {name!r}; take one of {', '.join(SECTIONS)}")
    content = json.loads(path.read_text(encoding="utf-8"))
    found, least = sessions_of(name, content), _LEAST.get(name, 0)
    if found < least and not is_trial:
        raise ValueError(
            f"{path.name} is of {found} sessions, and figures of {name} are of {least} or more; "
            "--folder shows a trial elsewhere"
        )
    return {**results, name: content}


def sessions_of(name: str, content: Mapping[str, Any]) -> int:
    """Return of how many sessions the result of a script is."""
    if "stages" in content:
        made = [stage for stage in content["stages"] if is_making(stage["name"])]
        return sum(int(stage["n_sessions"]) for stage in made)
    return int(content.get("n_sessions", 0))


def is_making(stage: str) -> bool:
    """Whether a stage makes sessions, by the daemon or by a command."""
    return stage.endswith((PARTITIONED, ": nh materialize"))


def summed(stages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return stages of one kind, batches or what a rehearsal that was stopped went on with, as one.

    Sums of seconds and sessions (a sync is of all sessions that were there); the largest memory; the load by time. Of
    what else is known the last, but sums of what was taken and said, and means by session where it is of a session.
    """
    n = sum(stage["n_sessions"] for stage in stages)
    if stages[-1]["name"].endswith(": nh sync"):
        n = max(stage["n_sessions"] for stage in stages)
    wall_s = math.fsum(stage["wall_s"] for stage in stages)
    more = {**stages[-1]["more"], **_summed_more([stage["more"] for stage in stages])}
    more |= _said([stage for stage in stages if "said_cpu_s" in stage["more"]])
    for key in ("around_cpu_s_per_session", "dagster_bytes_per_session", "dagster_files_per_session"):
        if key in more:
            more[key] = math.fsum(stage["more"][key] * stage["n_sessions"] for stage in stages) / max(n, 1)
    return {
        "name": stages[-1]["name"],
        "n_sessions": n,
        "wall_s": wall_s,
        "cpu_s": math.fsum(stage["cpu_s"] for stage in stages),
        "peak_bytes": max(stage["peak_bytes"] for stage in stages),
        "load": math.fsum(stage["load"] * stage["wall_s"] for stage in stages) / wall_s if wall_s else math.nan,
        "more": more,
    }


def _summed_more(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if all("own_cpu_s" in part for part in parts):
        found["own_cpu_s"] = math.fsum(part["own_cpu_s"] for part in parts)
    if all("runs" in part for part in parts):
        found["runs"] = dict(sum((Counter(part["runs"]) for part in parts), Counter[str]()))
    if all("store_bytes_before" in part for part in parts):
        found["store_bytes_before"] = parts[0]["store_bytes_before"]
    if all("assets" in part for part in parts):
        names = dict.fromkeys(name for part in parts for name in part["assets"])
        found["assets"] = {
            name: _summed_asset([part["assets"][name] for part in parts if name in part["assets"]]) for name in names
        }
    return found


def _summed_asset(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return means of an asset by how often it was made, and what it took at most."""
    n = math.fsum(part["n"] for part in parts)
    means = {key: math.fsum(part[key] * part["n"] for part in parts) / n for key in ("cpu_s_mean", "wall_s_mean")}
    return {"n": n, **means, **{key: max(part[key] for part in parts) for key in ("cpu_s_max", "peak_bytes_max")}}


def _said(stages: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return what dry runs said, those of a batch once: what went on with it was said before."""
    first = {stage["name"]: stage["more"] for stage in reversed(stages)}
    keys = ("said_store_bytes", "said_cpu_s")
    return {key: math.fsum(more[key] for more in first.values()) for key in keys} if first else {}


def stages_of(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the stages of a rehearsal in their order, batches and continued stages of one kind as one."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for stage in content["stages"]:
        before, colon, what = stage["name"].partition(":")
        kind = "full" if before.startswith("full to") else before
        groups.setdefault(f"{kind}{colon}{what}", []).append(stage)
    return [{**summed(stages), "name": name} for name, stages in groups.items()]


def wall_s_by_workers(content: Mapping[str, Any]) -> dict[int, float]:
    """Return the median time of the turns of each number of workers [s], fewest first."""
    turns = content["turns"]
    return {
        n: median(one["wall_s"] for one in turns if one["workers"] == n)
        for n in sorted({one["workers"] for one in turns})
    }


def coefficients(results: Mapping[str, Any], sources: Iterable[str]) -> tuple[dict[str, Measured], Measured]:
    """Return what the projection takes of the results: by source, and of all together."""
    history, efficiency = math.nan, math.nan
    for section in ("rehearsal", "full"):
        for stage in stages_of(results[section]) if section in results else ():
            history = stage["more"].get("dagster_bytes_per_session", history)
    if "workers" in results:
        by_workers = wall_s_by_workers(results["workers"])
        if 1 in by_workers and 2 in by_workers:
            efficiency = by_workers[1] / by_workers[2] - 1
    requests = results.get("requests", {}).get("sources", {})
    by_source = {
        source: Measured(
            history,
            requests.get(source, {}).get("writes", math.nan),
            requests.get(source, {}).get("reads", math.nan),
            efficiency,
        )
        for source in sources
    }
    return by_source, Measured(history_bytes=history, efficiency=efficiency)
