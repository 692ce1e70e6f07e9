"""Tables of what rehearsals measured, in Markdown; where nothing was measured, they say so.

Contains one function per section of the results. Add a column here when a script measures more. The projection has
`tables`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

from benchmarks.scale.results import SECTIONS, is_making, stages_of, wall_s_by_workers
from benchmarks.scale.tables import hours, number, size, table

PAGE_AIM_S, TICK_AIM_S, AROUND_AIM_CPU_S, HISTORY_AIM_BYTES, WORKERS_AIM = 1.0, 10.0, 3.0, 0.2e6, 1.5


def absent(section: str) -> str:
    """Return what the page says of a section that has no result."""
    return f"**Not yet measured** ({SECTIONS[section]})."


def rehearsal(results: Mapping[str, Any], section: str) -> str:
    """Return the stages of a rehearsal, what a session took, and the assets."""
    if section not in results:
        return absent(section)
    content = results[section]
    stages = stages_of(content)
    parts = [_of(content), _stages(stages), _sessions([one for one in stages if "own_cpu_s" in one["more"]])]
    for stage in stages:
        if assets := stage["more"].get("assets"):
            parts += [f"Assets of *{stage['name']}*:", _assets(assets)]
    return "\n\n".join(part for part in parts if part)


def _stages(stages: list[dict[str, Any]]) -> str:
    head = ["stage", "sessions", "time", "CPU", "CPU s a session", "memory at its peak", "load",
            "store then", "Dagster's files then"]  # fmt: skip
    rows = []
    for stage in stages:
        n, more = stage["n_sessions"], stage["more"]
        each = number(stage["cpu_s"] / n) if n and (is_making(stage["name"]) or "simulate" in stage["name"]) else ""
        rows.append([stage["name"], f"{n:,}", hours(stage["wall_s"] / 3600), hours(stage["cpu_s"] / 3600), each,
                     size(stage["peak_bytes"]), f"{stage['load']:.1f}", _size_of(more, "store_bytes"),
                     _size_of(more, "dagster_bytes")])  # fmt: skip
    return table(head, rows)


def _sessions(stages: list[dict[str, Any]]) -> str:
    """Return what a session took, beside its aims and what a dry run had said."""
    if not stages:
        return ""
    head = ["a session of", "CPU s of its assets", "CPU s around them", "aim", "Dagster's files", "aim",
            "runs by how they ended", "store: dry run said, came", "CPU: dry run said, came"]  # fmt: skip
    rows = []
    for stage in stages:
        more, n = stage["more"], max(stage["n_sessions"], 1)
        around, history = more["around_cpu_s_per_session"], more["dagster_bytes_per_session"]
        grown = more.get("store_bytes", math.nan) - more.get("store_bytes_before", math.nan)
        said = ["", ""]
        if "said_store_bytes" in more:
            said = [f"{size(more['said_store_bytes'])}, {size(grown)}",
                    f"{hours(more['said_cpu_s'] / 3600)}, {hours(stage['cpu_s'] / 3600)}"]  # fmt: skip
        ended = ", ".join(f"{count} {state}" for state, count in sorted(more["runs"].items()))
        rows.append([stage["name"], number(stage["cpu_s"] / n - around), number(around),
                     _met(around, AROUND_AIM_CPU_S, f"{AROUND_AIM_CPU_S:g}"), size(history),
                     _met(history, HISTORY_AIM_BYTES, size(HISTORY_AIM_BYTES)),
                     ended, *said])  # fmt: skip
    return table(head, rows)


def _assets(assets: Mapping[str, Mapping[str, float]]) -> str:
    head = ["asset", "made", "CPU s, mean (most)", "s, mean", "memory at its peak"]
    return table(
        head,
        (
            [f"`{name}`", f"{of['n']:g}", f"{number(of['cpu_s_mean'])} ({number(of['cpu_s_max'])})",
             number(of["wall_s_mean"]), size(of["peak_bytes_max"])]
            for name, of in sorted(assets.items(), key=lambda item: -item[1]["cpu_s_mean"])
        ),
    )  # fmt: skip


def pages(results: Mapping[str, Any]) -> str:
    """Return how long pages and commands take on both databases."""
    found = {of["database"]: of for of in (results.get("pages_sqlite"), results.get("pages_postgres")) if of}
    missing = [absent(name) for name in ("pages_sqlite", "pages_postgres") if name not in results]
    if not found:
        return "\n\n".join(missing)
    names = list(dict.fromkeys(page["name"] for of in found.values() for page in of["pages"]))
    head = ["page"]
    for database in found:
        head += [f"{database}: opened, s", "from another page, s", "slowest answer, s"]
    rows = [[name, *(cell for of in found.values() for cell in _page_cells(of, name))] for name in names]
    commands = list(dict.fromkeys(one["name"] for of in found.values() for one in of["commands"]))
    of_commands = [[f"`{name}`" if name.startswith("nh ") else name,
                    *(_command_cell(of, name) for of in found.values())] for name in commands]  # fmt: skip
    return "\n\n".join(
        [
            *(_of(of) for of in found.values()),
            table(head, rows),
            table(["command", *(f"{database}: s (CPU s)" for database in found)], of_commands),
            *missing,
        ]
    )


def _page_cells(of: Mapping[str, Any], name: str) -> list[str]:
    page = next((one for one in of["pages"] if one["name"] == name), None)
    if page is None:
        return ["–", "–", "–"]
    cells = [_timed(page["opened_s"], PAGE_AIM_S), _timed(page["within_s"], PAGE_AIM_S)]
    slowest = max(page["answers"].items(), key=lambda item: item[1], default=None)
    return [*cells, f"{number(slowest[1], 2)} `{slowest[0]}`" if slowest else ""]


def _command_cell(of: Mapping[str, Any], name: str) -> str:
    one = next((one for one in of["commands"] if one["name"] == name), None)
    if one is None:
        return "–"
    aim = _met(median(one["wall_s"]), TICK_AIM_S, f", aim {TICK_AIM_S:g}") if "tick" in name else ""
    return f"{number(median(one['wall_s']), 2)} ({number(median(one['cpu_s']), 2)}){aim}"


def workers(results: Mapping[str, Any]) -> str:
    """Return how much sooner two workers are done than one."""
    if "workers" not in results:
        return absent("workers")
    content = results["workers"]
    by_workers = wall_s_by_workers(content)
    fewest, rows = min(by_workers), []
    for count, wall_s in by_workers.items():
        of = [one for one in content["turns"] if one["workers"] == count]
        faster = by_workers[fewest] / wall_s
        aim = _met(-faster, -WORKERS_AIM, f"{WORKERS_AIM:g}") if count == 2 else ""
        rows.append([str(count), ", ".join(number(one["wall_s"]) for one in of),
                     ", ".join(number(one["cpu_s"]) for one in of), f"{faster:.2f}", aim,
                     ", ".join(f"{one['load']:.1f}" for one in of)])  # fmt: skip
    head = ["workers", "s, each turn", "CPU s of all processes", "times faster", "aim", "load"]
    return "\n\n".join([_of(content), table(head, rows)])


def requests(results: Mapping[str, Any]) -> str:
    """Return the requests that making a session in a bucket takes."""
    if "requests" not in results:
        return absent("requests")
    content = results["requests"]
    rows = [
        [f"`{source}`", f"{of['writes']:,}", f"{of['reads']:,}",
         ", ".join(f"{name} {count:,}" for name, count in sorted(of["by_name"].items()))]
        for source, of in sorted(content["sources"].items())
    ]  # fmt: skip
    return "\n\n".join([_of(content), table(["a session of", "writes", "reads", "requests by name"], rows)])


def _of(content: Mapping[str, Any]) -> str:
    """Return what a result is of: day, commit, machine."""
    machine = content["machine"]
    day = content.get("began") or content.get("day", "")
    return (
        f"{day}, commit {content['commit'][:12] or 'unknown'}: {machine['processor']}, {machine['cores']} virtual "
        f"CPUs, {size(machine['memory_bytes'])} of memory, Python {machine['python']}"
        + (f", {content['n_sessions']:,} sessions" if "n_sessions" in content else "")
        + (f", mean load {content['load']:.1f}" if "load" in content else "")
        + "."
    )


def _timed(seconds: list[float], aim: float) -> str:
    known = [one for one in seconds if one is not None]
    if not known:
        return "–"
    found = median(known)
    return f"{number(found, 2)}" if found <= aim else f"**{number(found, 2)}**"


def _met(found: float, aim: float, words: str) -> str:
    return f"{words} ✓" if found <= aim else f"{words} **missed**"


def _size_of(more: Mapping[str, Any], name: str) -> str:
    return size(more[name]) if name in more else ""
