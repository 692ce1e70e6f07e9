"""The table of faults: what was injected, what survived, what was lost, and how long it took to recover.

Add here a column. What happens stands in `injections`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass
class Injected:
    """A fault, and what became of what it hit.

    Attributes
    ----------
    name
        The fault in words.
    session
        The session that was being made; empty where the fault hit no single one.
    at_work
        The assets of which the making or publishing was under way.
    at
        When it was injected, by this process's clock [s]; 0 where it was not.
    recovered_s
        How long after it that session was made, or what was lost is there again [s]; None where never.
    not_tried
        Why it was not injected.
    """

    name: str
    session: str = ""
    at_work: str = ""
    at: float = 0.0
    recovered_s: float | None = None
    not_tried: str = ""


def fault_table(faults: Iterable[Injected]) -> str:
    """Return the table, one line for each fault, with the sums at its end."""
    rows = list(faults)
    tried = [one for one in rows if not one.not_tried]
    lost = [one for one in tried if one.recovered_s is None]
    wide = max([len(one.name) for one in rows] + [8])
    work = max([len(one.at_work) for one in rows] + [7])
    lines = [f"{'injected':<{wide}}  {'at work':<{work}}  survived  lost  recovered after"]
    for one in rows:
        if one.not_tried:
            lines.append(f"{one.name:<{wide}}  not tried: {one.not_tried}")
            continue
        survived, gone = ("no", "1") if one.recovered_s is None else ("yes", "0")
        after = "never" if one.recovered_s is None else f"{one.recovered_s:.0f} s"
        lines.append(f"{one.name:<{wide}}  {one.at_work:<{work}}  {survived:<8}  {gone:<4}  {after:>15}")
    lines.append(f"{len(tried)} injected, {len(tried) - len(lost)} survived, {len(lost)} lost{_median(tried)}")
    return "\n".join(lines)


def _median(tried: Sequence[Injected]) -> str:
    took = sorted(one.recovered_s for one in tried if one.recovered_s is not None)
    return f"; recovered after {took[len(took) // 2]:.0f} s (median), {took[-1]:.0f} s at most" if took else ""
