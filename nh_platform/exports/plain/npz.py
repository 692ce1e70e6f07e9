"""Layout ``npz``: one file of numpy arrays per session.

Add here what is so of npz files alone; their arrays are `session_arrays`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nh_platform.exports.layout import Layout, Request, check_choice
from nh_platform.exports.plain.session_arrays import about, session_arrays
from nh_platform.exports.plain.session_content import ALSO, session_content
from nh_platform.reading import SessionView

COMPRESSIONS = ("none", "zip")


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session as npz; numpy dates every member 1980-01-01, so that the same data give the same bytes."""
    chosen = request.options["compression"]
    content = session_content(session, request.rows, request.origin.rulebook)
    arrays = list(session_arrays(content))
    members = {one.name: one.values for one in arrays}
    members |= {"about": np.array(about(arrays)), "origin": np.array(request.origin.to_json())}
    save = np.savez_compressed if chosen == "zip" else np.savez
    with path.open("wb") as handle:
        save(handle, allow_pickle=False, **members)
    return content.left_out


def settle(options: Mapping[str, Any], home: Path) -> Mapping[str, Any]:
    """Return the options as they were given.

    Raises
    ------
    ConfigError
        If the file cannot be packed so.
    """
    check_choice("compression", options["compression"], COMPRESSIONS)
    return options


LAYOUT = Layout(
    "npz",
    "3",
    ("raw_spikes", "units"),
    lambda session: f"{session.source}/{session.session_id}.npz",
    write,
    also=ALSO,
    options={"compression": "none"},
    settle=settle,
)
