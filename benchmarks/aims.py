"""The figures that the project aims at, beside those that a benchmark found.

Contains the one way to print an aim and to end a benchmark that missed one. Add here what all benchmarks say of their
figures. What is measured, and which aims there are, stands in each benchmark.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field


@dataclass
class Aims:
    """Aims of one benchmark, printed as they are held against what was found.

    Parameters
    ----------
    missed
        What was missed so far.
    """

    missed: list[str] = field(default_factory=list)

    def at_least(self, what: str, found: float, aim: float, unit: str = "x", goal: float | None = None) -> None:
        """Print ``found`` and whether it reaches ``aim``; ``goal`` is what would be better still."""
        beyond = "" if goal is None else f", goal {goal:g} {unit} {'reached' if found >= goal else 'not reached'}"
        self._say(what, found, f"at least {aim:g} {unit}", unit, found >= aim, beyond)

    def at_most(self, what: str, found: float, aim: float, unit: str) -> None:
        """Print ``found`` and whether it stays within ``aim``."""
        self._say(what, found, f"at most {aim:g} {unit}", unit, found <= aim, "")

    def finish(self) -> None:
        """End the process: with 1 and the names of what was missed, if anything was."""
        if self.missed:
            print(f"missed: {', '.join(self.missed)}")
            sys.exit(1)
        print("every aim is met")

    def _say(self, what: str, found: float, aim: str, unit: str, is_met: bool, beyond: str) -> None:
        print(f"{what}: {found:.3g} {unit}, aim {aim}: {'met' if is_met else 'MISSED'}{beyond}")
        if not is_met:
            self.missed.append(what.strip())
