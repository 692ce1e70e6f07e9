"""Small JSON files beside the tables of an asset: summaries that finding sessions reads, and the gate.

Add here what every such file needs. What stands in one is said by the asset that writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUMMARY_FILE = "summary.json"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping with sorted keys, so that the same content is the same bytes."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
