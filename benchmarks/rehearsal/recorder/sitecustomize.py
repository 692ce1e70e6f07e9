"""CPU time, wall time and peak memory of each asset that a forked run makes, as lines of JSON.

Python imports this module by itself where its folder is on ``PYTHONPATH``. The processes of runs are forks of one that
has the platform imported: in a fork, and nowhere else, the function that makes an asset is wrapped.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORD = "NH_REHEARSAL_RECORD"
"""Environment variable: the file that lines are appended to."""
_MAKERS = {
    "nh_platform.defs.session_assets": "make_session_asset",
    "nh_platform.defs.across_sessions.source_assets": "make_source_asset",
}


def _peak_bytes() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _recorded(make: Callable[..., Any]) -> Callable[..., Any]:
    def recorded(platform: Any, source: str, *rest: Any) -> Any:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is counted from here on
        wall, cpu = time.monotonic(), time.process_time()
        made = make(platform, source, *rest)
        line = {
            "source": source,
            "session": rest[0] if len(rest) > 1 else "",
            "asset": made.record.asset,
            "wall_s": time.monotonic() - wall,
            "cpu_s": time.process_time() - cpu,
            "peak_bytes": _peak_bytes(),
        }
        with open(os.environ[RECORD], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return made

    return recorded


def _record_what_is_made() -> None:
    for module, name in _MAKERS.items():
        if module in sys.modules:
            setattr(sys.modules[module], name, _recorded(getattr(sys.modules[module], name)))


if os.environ.get(RECORD):
    os.register_at_fork(after_in_child=_record_what_is_made)
