"""Visual Coding files from before June 2020, which the Allen Institute has replaced.

Contains how they are told apart and what is said of them. Add here a further sign of their layout. They are not
translated: AllenSDK from 2.0.0 on does not read them either ("NWB files released prior to 6/11/2020", its release
notes), and the newer file of a session has the same spikes and more of everything else.

Their signs, as AllenSDK 1.x wrote and read them: NWB schema 2.0 or 2.1 (2.2.2 since), all presentations in one table
``intervals/epochs``, and probe groups named by the probe's id, without a ``probe_id``.
"""

from __future__ import annotations

import re

from nh_platform.sources.nwb.nwb_file import NwbFile

FIRST_VERSION = (2, 2)
"""NWB schema (major, minor) of the files released on 11 June 2020 and since."""

FETCH_THE_NEWER = (
    "Delete it and download the session again: the Allen Institute replaced these files in June 2020. AllenSDK before "
    "2.0.0 reads the old ones."
)


def sign_of_early_file(nwb: NwbFile) -> str | None:
    """Return what shows that a file is from before June 2020, in words; None for one that is not."""
    version = re.match(r"(\d+)\.(\d+)", str(nwb.handle.attrs.get("nwb_version", "")))
    if version and (int(version[1]), int(version[2])) < FIRST_VERSION:
        return f"its NWB schema is {nwb.handle.attrs['nwb_version']}"
    tables = nwb.names("intervals")
    if "epochs" in tables and not any(name.endswith("_presentations") for name in tables):
        return "its presentations are in one table, intervals/epochs"
    return None


def note_early_file(nwb: NwbFile) -> None:
    """Record that a file is from before June 2020, where it is."""
    if sign := sign_of_early_file(nwb):
        nwb.note("NWB file", f"from before June 2020 ({sign}), in a layout that is read in parts. {FETCH_THE_NEWER}")
