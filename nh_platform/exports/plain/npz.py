"""Layout ``npz``: one file of numpy arrays per session.

Add here what is so of npz files alone; their arrays are `session_arrays`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nh_platform.exports.layout import Layout, Request
from nh_platform.exports.plain.session_arrays import about, session_arrays
from nh_platform.exports.plain.session_content import ALSO, session_content
from nh_platform.reading import SessionView
from nh_platform.session import ConfigError

COMPRESSIONS = ("none", "zip")


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session as npz; numpy dates every member 1980-01-01, so that the same data give the same bytes."""
    chosen = request.options["compression"]
    if chosen not in COMPRESSIONS:
        raise ConfigError(f"compression {chosen!r}", f"npz knows {', '.join(COMPRESSIONS)}", "Use one of those.")
    content = session_content(session, request.rows)
    arrays = list(session_arrays(content))
    members = {one.name: one.values for one in arrays}
    members |= {"about": np.array(about(arrays)), "origin": np.array(request.origin.to_json())}
    save = np.savez_compressed if chosen == "zip" else np.savez
    with path.open("wb") as handle:
        save(handle, allow_pickle=False, **members)
    return content.left_out


LAYOUT = Layout(
    "npz",
    "1",
    ("raw_spikes", "units"),
    lambda session: f"{session.source}/{session.session_id}.npz",
    write,
    also=ALSO,
    options={"compression": "none"},
)
