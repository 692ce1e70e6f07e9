"""The page of benchmarks, made of what is stored: nothing on it is typed by hand but what rows say of themselves.

Contains the page and its tables in Markdown, and what a terminal shows of a row. Add here a column, or a section that
every run can fill. What scripts found that are not rows stands in ``docs/benchmarks-of-scripts.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness import growth
from benchmarks.harness.comparison import Row, is_sound, memory_share, own_figure
from benchmarks.harness.ratios import FIGURE, draw
from benchmarks.peers import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
INTRO = """# Benchmarks

Side by side with the libraries that people use now. `uv run python -m benchmarks` made this page: it makes its data
(seeded simulator), builds the environment of each library with exact pins, compares every value, and only then lets
both sides take turns. A side that found other values, or failed, stands without a ratio. It ends with 1 where an aim
is missed. Nothing here is a test: machines differ, and on a shared one ratios move by a fifth between runs. Run it on
an idle machine for figures of your own, some 70 minutes for all of it once the environments are there, and 13 GB of
memory:

    uv run python -m benchmarks                     every row; this page, its JSON and its figures
    uv run python -m benchmarks session-bins        one row; the page keeps what it said of others
    uv run python -m benchmarks --quick             small data, nothing stored: what CI does
    uv run python -m benchmarks --growth            time and memory against spikes, units and sessions
    uv run python -m benchmarks --list              names of rows

Single scripts measured more: [memory, scale, exports, pages](benchmarks-of-scripts.md)."""
RATIOS = (
    "CPU seconds on one thread, or seconds of wall time where it says so: median (least, most). *Times faster*: "
    "their run by the run here before it, the median of the pairs. Below 1 the other side is "
    "faster. Memory is what a run adds to its process, "
    "which may keep what an earlier one took; shares are of the most. *Aim*: what this project asks of itself, and "
    "what would be better still. A run of milliseconds that fills large arrays takes several times as long where the "
    "system has to free memory first, on either side; the widest ranges are those, and their medians move least."
)
NEAR = "Every side that takes less than twice the time of the run here; below 1 it is ahead."
NEAR_BELOW = 2.0
MISSED = "Shares are of profiles: `py-spy record -r 200` on the command of the row, or each step of it by itself."
GROWTH = (
    "`python -m benchmarks --growth`: made-up spikes, uniform in time, CPU seconds on one thread, median of three. An "
    "exponent of 1 is growth in proportion; it is taken from the middle of the sizes on."
)
FIGURES = {
    "cpu_s": ("CPU s", 1.0),
    "wall_s": ("wall s", 1.0),
    "peak_bytes": ("memory, MB", 1e6),
    "gb_per_cpu_s": ("GB of input a CPU s", 1.0),
    "stored_share": ("share of its size that is stored", 1.0),
    "page_mb": ("page, MB", 1.0),
    "jit_s": ("compilation, s", 1.0),
}
"""Words for figures of the platform alone, and the unit that they are shown in."""


def write_page(results: Mapping[str, Mapping[str, Any]], rows: Sequence[Row], path: Path = PAGE) -> None:
    """Write the page, and its figure beside it."""
    draw([results[row.name] for row in rows if row.name in results], path.with_name(FIGURE))
    path.write_text(page(results, rows, growth.read()), encoding="utf-8")


def page(
    results: Mapping[str, Mapping[str, Any]], rows: Sequence[Row], curves: Sequence[Mapping[str, Any]] = ()
) -> str:
    """Return the page: ratios, missed aims, the platform's own costs, growth, gates and machines."""
    found = [results[row.name] for row in rows if row.name in results]
    profiles, notes = ({row.name: getattr(row, name) for row in rows} for name in ("profile", "note"))
    parts = [
        INTRO,
        "## Times faster",
        f"![How many times faster, by row, with its aim]({FIGURE})",
        RATIOS,
        _ratios(found),
        "## Where another side is near, or ahead",
        NEAR,
        _near(found, {(row.name, peer.side.label): peer.near for row in rows for peer in row.peers}),
        "## Aims that are missed, and where the time goes",
        MISSED,
        _missed(found, profiles, curves),
        "## What the platform takes, beside what the machine can do",
        _costs(found),
        *(("## Growth", GROWTH, growth.table(curves)) if curves else ()),
        "## What was equal before a time was printed",
        _gates(found, notes),
        "## Machines",
        _machines(found),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def printed(result: Mapping[str, Any]) -> str:
    """Return what the terminal shows of one row."""
    lines = [f"{result['name']}: {result['what']}"]
    if "refused" in result or "broken" in result:
        reason = f"the platform is wrong: {result['refused']}" if "refused" in result else result["broken"]
        return "\n".join([*lines, f"  NO RATIO, {reason}"])
    if "reference" in result:
        lines.append(f"  {result['reference']}")
    lines.append(f"  here: {_said(result['here'], 'cpu_s')} CPU s, {_said(result['here'], 'wall_s')} s wall, "
                 f"{_megabytes(result['here'])} MB more at its peak; load {_load(result)}")  # fmt: skip
    lines += [f"  {said.replace('*', '')}" for said in _own_aims(result)]
    if "limit" in result:
        lines.append(f"  floor of this machine: {result['limit']['seconds']:.3g} s ({result['limit']['words']})")
    for peer in result["peers"]:
        name = _named(peer)
        if "refused" in peer or "failed" in peer:
            lines.append(f"  {name}: NO RATIO: {peer.get('refused', peer.get('failed'))}")
            continue
        lines.append(f"  {name}: {peer['gate']}")
        clock = "" if _clock(result) == "cpu_s" else f"{_said(peer['runs'], _clock(result))} s wall, "
        lines.append(f"    {clock}{_said(peer['runs'], 'cpu_s')} CPU s, {_megabytes(peer['runs'])} MB; "
                     f"times faster here: {_ratio(peer['ratios'])}{_aim(peer)}")  # fmt: skip
        if "default_threads" in peer:
            lines.append(f"    with as many threads as it likes: {_said(peer['default_threads'], 'wall_s')} s wall, "
                         f"{_said(peer['default_threads'], 'cpu_s')} CPU s")  # fmt: skip
    return "\n".join(lines)


def _ratios(found: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| what | theirs | their s | here, s | times faster | aim | their MB; here MB |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for result in found:
        for peer in result["peers"]:
            what, label = f"{result['what']} (`{result['name']}`)", _named(peer)
            if "refused" in peer or "failed" in peer:
                reason = "failed" if "failed" in peer else "not the same values: no ratio"
                lines.append(f"| {what} | {label} | {reason} | | | {_goal(peer)} | |")
                continue
            clock = _clock(result)
            what += " (wall time)" if clock == "wall_s" else ""
            theirs = _said(peer["runs"], clock)
            # Here, the runs that took turns with this peer: caches and pages are not the same beside another.
            ours = [{clock: run[clock] / ratio} for run, ratio in zip(peer["runs"], peer["ratios"], strict=True)]
            if "default_threads" in peer:
                theirs += f"; with its threads {_said(peer['default_threads'], 'wall_s')} wall"
            lines.append(f"| {what} | {label} | {theirs} | {_said(ours, clock)} "
                         f"| {_ratio(peer['ratios'])} | {_goal(peer)}{_met(peer)} "
                         f"| {_memory(result, peer)} |")  # fmt: skip
    return "\n".join(lines)


def _near(found: Sequence[Mapping[str, Any]], reasons: Mapping[tuple[str, str], str]) -> str:
    pairs = [(result["name"], peer) for result in found for peer in result["peers"] if "ratios" in peer]
    near = sorted(
        ((median(peer["ratios"]), name, peer) for name, peer in pairs if median(peer["ratios"]) < NEAR_BELOW),
        key=lambda one: one[0],
    )
    lines = [
        f"- {ratio:.3g}: `{name}`, {_named(peer)}. {reasons.get((name, peer['label']), '')}".rstrip()
        for ratio, name, peer in near
    ]
    return "\n".join(lines) or "None is."


def _missed(
    found: Sequence[Mapping[str, Any]], profiles: Mapping[str, str], curves: Sequence[Mapping[str, Any]]
) -> str:
    of_curves = {curve.job: curve.profile for curve in growth.CURVES}
    missed = [(words, profiles[result["name"]]) for result in found for words in is_sound(result)]
    missed += [(words, of_curves.get(one["job"], "")) for one in curves for words in growth.too_steep(one)]
    return "\n".join(f"- {_cell(words)}. {profile}".rstrip() for words, profile in missed) or "None is."


def _gates(found: Sequence[Mapping[str, Any]], notes: Mapping[str, str]) -> str:
    lines = ["| row | beside | found |", "| --- | --- | --- |"]
    for result in found:
        words = result.get("refused") or result.get("broken") or result.get("reference")
        if words:
            lines.append(f"| `{result['name']}` | plain computation | {_cell(words)} |")
        for peer in result["peers"]:
            words = peer.get("gate") or peer.get("refused") or peer.get("failed")
            lines.append(f"| `{result['name']}` | {_named(peer)} | {_cell(words)} |")
        if note := notes[result["name"]]:
            lines.append(f"| `{result['name']}` | | {_cell(note)} |")
    return "\n".join(lines)


def _costs(found: Sequence[Mapping[str, Any]]) -> str:
    lines = ["| row | input | CPU s | wall s | MB more at its peak | floor of the machine, s | aim |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for result in found:
        if "here" not in result:
            continue
        limit = result.get("limit")
        floor = f"{limit['seconds']:.3g}: {limit['words']}" if limit else ""
        aims = ", ".join(_own_aims(result))
        times = f"{_said(result['here'], 'cpu_s')} | {_said(result['here'], 'wall_s')}"
        lines.append(
            f"| `{result['name']}` | {result['input']} | {times} | {_megabytes(result['here'])} | {floor} | {aims} |"
        )
    return "\n".join(lines)


def _machines(found: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        "| row | day | commit | machine | load | memory read, copy, first touch, GB/s | disk write, cached read, GB/s |"
    ]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for result in found:
        of, limits = result["machine"], result["limits"]
        lines.append(
            f"| `{result['name']}` | {result['day']} | {result['commit']} | {of['processor']}, {of['cores']} cores, "
            f"{of['memory_gb']:.0f} GB, {of['system']}, Python {of['python']}, {_of_here(result)} | {_load(result)} "
            f"| {limits['read_gb_s']:.1f}, {limits['copy_gb_s']:.1f}, {limits['first_touch_gb_s']:.1f} "
            f"| {limits['disk_write_gb_s']:.2f}, {limits['cached_read_gb_s']:.1f} |"
        )
    return "\n".join(lines)


def _said(runs: Sequence[Mapping[str, float]], name: str) -> str:
    taken = [run[name] for run in runs]
    if len(taken) == 1:
        return f"{_short(taken[0])} (one run)"
    return f"{_short(median(taken))} ({_short(min(taken))}, {_short(max(taken))})"


def _short(value: float) -> str:
    return f"{value:.2f}" if value >= 10 else f"{value:.3f}"


def _ratio(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.3g} ({min(ratios):.3g}, {max(ratios):.3g})" if len(ratios) > 1 else f"{ratios[0]:.3g}"


def _megabytes(runs: Sequence[Mapping[str, float]]) -> str:
    taken = [run["peak_bytes"] / 1e6 for run in runs]
    middle, least, most = (f"{of(taken):.0f}" for of in (median, min, max))
    return middle if least == most else f"{middle} ({least}, {most})"


def _load(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{load:.1f}" for load in result["load"])


def _named(peer: Mapping[str, Any]) -> str:
    versions = peer.get("versions", {})
    of = [f" ({name} {versions[name]})" for name in peer["packages"][:1] if name in versions]
    return "".join([peer["label"], *of])


def _of_here(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {of}" for name, of in result.get("versions", {}).items() if name != "python")


def _goal(peer: Mapping[str, Any]) -> str:
    if peer["at_least"] is None:
        return ""
    return f"{peer['at_least']:g}" + (f", better {peer['stretch']:g}" if peer["stretch"] else "")


def _met(peer: Mapping[str, Any]) -> str:
    if peer["at_least"] is None:
        return ""
    return " ✓" if median(peer["ratios"]) >= peer["at_least"] else " **missed**"


def _aim(peer: Mapping[str, Any]) -> str:
    return f", aim {_goal(peer)}:{_met(peer).replace('*', '')}" if peer["at_least"] is not None else ""


def _own_aims(result: Mapping[str, Any]) -> list[str]:
    """Return what is said of figures of the platform alone; those without an aim too."""
    said = []
    aims = {name: ("≤", aim) for name, aim in result.get("at_most", {}).items()}
    aims |= {name: ("≥", aim) for name, aim in result.get("at_least", {}).items()}
    for name in [*aims, *(name for name in result.get("figures", {}) if name not in aims)]:
        words, unit = FIGURES.get(name, (name.replace("_", " "), 1.0))
        found = own_figure(result, name)
        if name not in aims:
            said.append(f"{words} {found / unit:.3g}")
            continue
        sign, aim = aims[name]
        is_met = found <= aim if sign == "≤" else found >= aim
        said.append(f"{words} {found / unit:.3g}, aim {sign} {aim / unit:g} {'✓' if is_met else '**missed**'}")
    return said


def _memory(result: Mapping[str, Any], peer: Mapping[str, Any]) -> str:
    share, words = memory_share(result, peer), f"{_megabytes(peer['runs'])}; {_megabytes(result['here'])}"
    if share is None:
        return words
    met = " ✓" if share <= peer["memory_share"] else " **missed**"
    return f"{words}: {share:.0%}, aim {peer['memory_share']:.0%}{met}"


def _clock(result: Mapping[str, Any]) -> str:
    return str(result.get("clock", "cpu_s"))


def _cell(words: str | None) -> str:
    return " ".join((words or "").replace("|", "\\|").split())[:300]
