"""What a recording holds: a stored session and what is asked of it as one object.

Contains the recording as a whole. Add here an object that every recording gets; how it is made belongs to a module of
its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.exports.layout import Request
from nh_platform.exports.torch_brain.benchmark import benchmark_groups
from nh_platform.exports.torch_brain.checks import SPLITS
from nh_platform.exports.torch_brain.descriptions import description_groups
from nh_platform.exports.torch_brain.objects import Group, data
from nh_platform.exports.torch_brain.signals import signal_groups
from nh_platform.exports.torch_brain.spikes import probe_group, spike_group, unit_group
from nh_platform.exports.torch_brain.splits import invalid_group, recorded_bounds, split_groups, valid_domain
from nh_platform.exports.torch_brain.tables import table_groups
from nh_platform.session.display import counted

if TYPE_CHECKING:
    from nh_platform.reading import SessionView


FIXED = ("spikes", "units", "probes", "brainset", "subject", "session", "device", "provenance", "lab", "invalid_times")
"""Objects of every recording; no table or signal has their names."""


def recording_of(session: SessionView, request: Request) -> tuple[Group, tuple[str, ...]]:
    """Return a session as a recording, and what was left out of it.

    Parameters
    ----------
    session
        The session.
    request
        Rows of its units, and the options ``split`` and ``unit_index``.

    Raises
    ------
    NhError
        If it has no spikes, or cannot be divided.
    """
    bounds = recorded_bounds(session)
    spikes, of_spikes = spike_group(session, request.rows, str(request.options["unit_index"]))
    units, of_units = unit_group(session, request.rows, request.origin.rulebook)
    tables, of_tables = table_groups(session, bounds)
    tables = {f"{name}_" if name in FIXED else name: table for name, table in tables.items()}
    others = {*tables, *FIXED, *(f"{split}_domain" for split in SPLITS)}
    signals, of_signals = signal_groups(session, bounds, others)
    benchmark, of_benchmark = benchmark_groups(session)
    descriptions, of_descriptions = description_groups(session, request.origin)
    lab = session.info.lab
    groups = {
        **tables,
        **signals,
        **benchmark,
        **descriptions,
        "spikes": spikes,
        "units": units,
        "probes": probe_group(session),
        "invalid_times": invalid_group(session),
        **split_groups(session, str(request.options["split"]), request.home),
    }
    recording = data({"lab": lab} if lab else {}, groups, domain=valid_domain(session))
    notes = (*of_descriptions, *of_spikes, *of_units, *_of_single_units(session, request), *of_tables, *of_signals)
    return recording, (*notes, *of_benchmark)


def _of_single_units(session: SessionView, request: Request) -> tuple[str, ...]:
    """Return what is said where reviews mark time of single units: the format has no valid time of a unit."""
    own = session.unit_invalid_rows(request.rows)
    if not len(own):
        return ()
    which = f"{counted(len(own), 'interval')} of {counted(own['unit_id'].nunique(), 'unit')}"
    return (f"reviews call {which} alone invalid, which a recording cannot state: the spikes in that time stay in it",)
