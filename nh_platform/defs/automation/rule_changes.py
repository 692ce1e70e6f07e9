"""Changed rules and presets: a tick has the page load the definitions again, and waits until they are there.

What definitions are loaded with, and how they are loaded again, is `loaded_rules`.
"""

from nh_platform.defs.automation.loaded_rules import (
    LoadedRules,
    refuse_what_cannot_be_loaded,
    reload_code_location,
)
from nh_platform.defs.automation.ticks import Memory, Tick
from nh_platform.home.platform import Platform
from nh_platform.home.running_ui import read_running_ui
from nh_platform.session import NhError

_RELOADS = 3
"""How often a page that does not answer in time is asked to load the definitions again."""


def follow_the_rules(
    platform: Platform, loaded: LoadedRules, now: LoadedRules, location: str, memory: Memory, tick: Tick
) -> bool:
    """Have the definitions loaded again where rules or presets changed; return whether no session is asked for."""
    if loaded.digest == now.digest:
        was_reloaded = memory.reload == now.digest or memory.n_late > 0
        memory.reload, memory.n_late = "", 0
        if was_reloaded:
            tick.words.append(
                f"rules and presets are loaded, rulebook {now.rulebook}; sessions follow with the next tick"
            )
        return was_reloaded
    changed = f"rules or presets changed, rulebook {loaded.rulebook} → {now.rulebook}"
    running = read_running_ui(platform.settings.home)
    problem = "no `nh ui` serves this home" if running is None else ""
    if running is not None and memory.reload == now.digest:
        problem = f"{running.address} loaded the definitions again and they are the old ones"
    elif running is not None:
        try:
            refuse_what_cannot_be_loaded(platform)
        except NhError as error:
            problem = f"not loaded again, because then nothing could be: {error}"
        else:
            problem, is_idle = _load_again(running.address, location, now, memory)
            if is_idle:
                tick.words.append(f"{changed}; {problem}")
                return True
    lacking = loaded.lacking(now)
    rest = f"; until then the page lacks {', '.join(lacking)}" if lacking else ""
    tick.words.append(f"{changed}; {problem}: reload {location} under Deployment in the page{rest}")
    return False


def _load_again(address: str, location: str, now: LoadedRules, memory: Memory) -> tuple[str, bool]:
    """Have a page load the definitions again; return in words what came of it, and whether no session is asked for.

    A page that does not answer in time may be loading them still: sessions that are asked for with the old ones would
    be made without the new checks, and keep lacking them. It is asked again, `_RELOADS` times at most.
    """
    try:
        problem = reload_code_location(address, location)
    except TimeoutError:
        memory.n_late += 1
        words = f"{address} did not answer in time while it loads the definitions again"
        return (words, False) if memory.n_late >= _RELOADS else (f"{words}; the next tick looks again", True)
    if problem:
        return problem, False
    memory.reload, memory.n_late = now.digest, 0
    return "the definitions are loaded again, sessions follow in two ticks", True
