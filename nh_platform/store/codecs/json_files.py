"""Small JSON files beside the tables of an asset: summaries that finding sessions reads, and the gate.

Add here what every such file needs. What stands in one is said by the asset that writes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nh_platform.session.errors import StoreError
from nh_platform.store.file_hashes import verified
from nh_platform.store.objects.address import shown

SUMMARY_FILE = "summary.json"


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a mapping with sorted keys, so that the same content is the same bytes."""
    path.write_text(json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read such a file.

    Raises
    ------
    DamagedFile
        If it belongs to a published version and is not the bytes that were published (`verified`).
    StoreError
        If it is missing or is not a whole JSON object.
    """
    try:
        content = json.loads(verified(path).read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(shown(path), f"it cannot be read: {error}", "Materialize the asset again.") from error
    if not isinstance(content, dict):
        raise StoreError(shown(path), "it is no JSON object", "Materialize the asset again.")
    return content
