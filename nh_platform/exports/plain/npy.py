"""Layout ``npy``: a folder of numpy files per session, which are read without loading them (memory maps).

Add here what is so of npy files alone; their arrays are `session_arrays`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from nh_platform.exports.layout import Layout, Request
from nh_platform.exports.plain.session_arrays import about, session_arrays
from nh_platform.exports.plain.session_content import ALSO, session_content
from nh_platform.reading import SessionView


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session as a folder of npy files, with ``about.json`` and ``origin.json``."""
    content = session_content(session, request.rows, request.origin.rulebook)
    arrays = list(session_arrays(content))
    path.mkdir()
    for one in arrays:
        np.save(path / f"{one.name}.npy", np.ascontiguousarray(one.values), allow_pickle=False)
    (path / "about.json").write_text(about(arrays) + "\n", encoding="utf-8")
    (path / "origin.json").write_text(request.origin.to_json() + "\n", encoding="utf-8")
    return content.left_out


LAYOUT = Layout(
    "npy", "2", ("raw_spikes", "units"), lambda session: f"{session.source}/{session.session_id}", write, also=ALSO
)
