"""The environment of `ibl-bwb-eval` 0.1.0, made by ``benchmarks/peers.py`` on first use."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def in_peer(script: str, *arguments: Path) -> Any:
    """Run a script of ``benchmarks`` there and return what it wrote into the last argument."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from peers import run_in_peer
    finally:
        sys.path.remove(str(BENCHMARKS))
    run_in_peer("ibl_bwb_eval", BENCHMARKS / script, *arguments)
    return json.loads(arguments[-1].read_text())
