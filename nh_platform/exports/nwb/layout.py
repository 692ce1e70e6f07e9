"""The layout ``nwb``: where a session's file lies, and the order in which its parts are written.

Contains the record. Add a part of the file as a module beside and call it here. What is in a part is its module's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nh_platform.exports.layout import Layout, Request, check_choice
from nh_platform.reading import SessionView

CHOICES = {"compression": ("none", "gzip"), "spikes": ("valid", "all")}
"""Values of the options; the first is the default. ``valid`` leaves out spikes in invalid time, which would lie outside
of the observed intervals that the file states of their unit."""


def place(session: SessionView) -> str:
    """Return the path of a session's file as DANDI names it: ``sub-<subject>/sub-<subject>_ses-<session>_…``."""
    subject, session_id = _dashed(session.info.subject) or "unknown", _dashed(session.session_id)
    holds = "behavior+ecephys" if {"events", "signals"} & set(session.assets) else "ecephys"
    return f"sub-{subject}/sub-{subject}_ses-{session_id}_desc-processed_{holds}.nwb"


def write(session: SessionView, path: Path, request: Request) -> tuple[str, ...]:
    """Write a session, as `nh_platform.exports.layout.WritesSession`.

    Raises
    ------
    StoreError
        If the spikes cannot be written: times that are no numbers, or descend within a unit.
    """
    # PyNWB takes 2 s to import; looking at what is current must not wait for it.
    from nh_platform.exports.nwb.behavior import add_behavior
    from nh_platform.exports.nwb.electrodes import add_electrodes
    from nh_platform.exports.nwb.events import add_events
    from nh_platform.exports.nwb.file_facts import make_file
    from nh_platform.exports.nwb.shared_types import shared_types
    from nh_platform.exports.nwb.stable_ids import write_file
    from nh_platform.exports.nwb.units import add_units

    notes: list[str] = []
    with shared_types():
        nwbfile = make_file(session, request, notes)
        electrodes = add_electrodes(nwbfile, session, notes)
        add_units(nwbfile, session, request, electrodes, notes)
        add_events(nwbfile, session, notes)
        add_behavior(nwbfile, session, request.options["compression"], notes)
        write_file(nwbfile, path)
    return tuple(notes)


def settle(options: Mapping[str, Any], home: Path) -> Mapping[str, Any]:
    """Return the options as they were given.

    Raises
    ------
    ConfigError
        If one has a value that it cannot have; the text names those there are.
    """
    for name, known in CHOICES.items():
        check_choice(name, options[name], known)
    return options


def _dashed(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")


LAYOUT = Layout(
    name="nwb",
    version="3",
    assets=("raw_spikes", "units"),
    also=("events", "signals", "pose", "mean_waveforms"),
    place=place,
    write=write,
    options={name: known[0] for name, known in CHOICES.items()},
    settle=settle,
)
