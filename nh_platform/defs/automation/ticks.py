"""Ticks of a release sensor: what it remembers from one to the next, what one comes to, and the words for it.

Add here what the list of ticks must say of the sessions. What is looked at in a tick is `release_sensor`.
"""

import json
from dataclasses import dataclass, field

import dagster as dg

from nh_platform.planning.run_requests import Decision, open_backfills
from nh_platform.planning.session_states import SourceStates
from nh_platform.session.display import counted

_LINE_LENGTH = 600
_NAMED = 3
"""Sessions that a tick names of each kind."""


@dataclass
class Memory:
    """Memory of a sensor from tick to tick; losing it repeats observations and nothing else.

    Parameters
    ----------
    signal
        The last announcement of upstream that was read.
    observed
        Digest of the versions that were reported last.
    reload
        Digest of the rules for which the definitions were loaded again last; empty once requests were made with them.
    n_late
        How often a page did not answer in time while it loaded definitions again.
    down_since, down_said
        Since when upstream has not answered, and for which outage the check was asked to say so; empty where none.
    catalogs
        Digest of the sessions' standing when the catalogs were looked at last.
    """

    signal: str | None = None
    observed: str = ""
    reload: str = ""
    n_late: int = 0
    down_since: str = ""
    down_said: str = ""
    catalogs: str = ""

    @classmethod
    def read(cls, cursor: str | None) -> "Memory":
        """Return what a cursor holds; nothing where there is none or it is another version's."""
        try:
            stated = json.loads(cursor) if cursor else {}
            known = {name: stated[name] for name in cls.__dataclass_fields__ if isinstance(stated.get(name), str | int)}
        except (ValueError, AttributeError):
            known = {}
        return cls(**known)

    def cursor(self) -> str:
        """Return it as the cursor of the sensor."""
        return json.dumps(self.__dict__, sort_keys=True)


@dataclass
class Tick:
    """What a tick comes to: requests, and the words in which it says so."""

    requests: list[dg.RunRequest] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


def tick_words(source: str, states: SourceStates, decision: Decision) -> list[str]:
    """Return the state of all sessions in words, as a tick says it."""
    words = [
        f"{counted(len(decision.requests), 'session')} asked for",
        f"{len(decision.waiting)} wait",
        f"{len(decision.in_progress)} in progress",
        f"{len(decision.failed)} failed{_of_each_kind(decision)}",
        *([f"checks of {len(decision.unchecked)} not current"] if decision.unchecked else []),
        f"{len(states.gated)} gated",
        f"{len(decision.not_loaded)} not loaded yet (`nh backfill {source}`)",
    ]
    words += [
        f"{number} of backfill {backfill} to go"
        for backfill, number in open_backfills(states.asked, decision.left).items()
    ]
    if states.held:
        words.append(states.held.text())
    mistakes = [words for _, words in sorted(states.mistakes.items())]
    if mistakes:
        more = f" and {len(mistakes) - _NAMED} more" if len(mistakes) > _NAMED else ""
        words.append(f"{counted(len(mistakes), 'review file')} with a mistake: {'; '.join(mistakes[:_NAMED])}{more}")
    if states.unreadable:
        words.append(f"{len(states.unreadable)} cannot be read: {next(iter(states.unreadable.values()))}")
    return [", ".join(words)]


def _of_each_kind(decision: Decision) -> str:
    kinds: dict[str, int] = {}
    for kind in decision.failed.values():
        kinds[kind] = kinds.get(kind, 0) + 1
    return f" ({', '.join(f'{number} {kind}' for kind, number in sorted(kinds.items()))})" if kinds else ""


def one_line(text: str) -> str:
    """Return a text as one line that a list of ticks can show."""
    line = " ".join(text.split())
    return line if len(line) <= _LINE_LENGTH else f"{line[: _LINE_LENGTH - 1]}…"
