"""A piece of work that some process does, and what comes before it.

Contains its record. What the pieces are stands with the operations; who does them, in `lanes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from nh_platform.operations.opened_home import OnProgress, OpenHome


class Work(Protocol):
    """What does a piece: a function of a module, or a `functools.partial` of one, since it travels between processes.

    It is called with a function that returns the open home, and with what hears of progress. What it returns, and what
    it raises, travels back.
    """

    def __call__(self, opened: Callable[[], OpenHome], on_progress: OnProgress, /) -> Any:
        """Do the piece."""


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of work.

    Parameters
    ----------
    name
        What it is of, for the error of a process that was killed.
    work
        What does it.
    after
        Pieces that are done before.
    on_failure
        ``stop``: where it raises, nothing more is begun. ``go on``: what it raised is raised when all others are done;
        those that come after it find None. ``pass over``: nothing hangs on it, also where its process is killed.
    """

    name: str
    work: Work
    after: tuple[Piece, ...] = ()
    on_failure: Literal["stop", "go on", "pass over"] = "stop"
