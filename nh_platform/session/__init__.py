"""The vocabulary: what a session, its spikes, units, channels, events and signals are, and every column schema.

Everything else in the platform is written in these words. Add a container or a schema here when two rooms share it.
Nothing here reads files, knows an upstream source or imports Dagster. What needs pandas is loaded when it is asked for:
an error or the record of a source is named without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.session.errors import (
    BadUpstreamData,
    ConfigError,
    DamagedFile,
    NhError,
    SchemaError,
    StoreError,
    UnknownSession,
    UpstreamTrouble,
)
from nh_platform.session.lazy_names import lazy_names

if TYPE_CHECKING:
    from nh_platform.session.columns import Column, ColumnPattern, TableSchema
    from nh_platform.session.recording import (
        Events,
        Note,
        RawRecording,
        Session,
        Signal,
        Signals,
        Spikes,
        UnitAnnotation,
    )

__all__ = [
    "BadUpstreamData",
    "Column",
    "ColumnPattern",
    "ConfigError",
    "DamagedFile",
    "Events",
    "NhError",
    "Note",
    "RawRecording",
    "SchemaError",
    "Session",
    "Signal",
    "Signals",
    "Spikes",
    "StoreError",
    "TableSchema",
    "UnitAnnotation",
    "UnknownSession",
    "UpstreamTrouble",
]

__getattr__ = lazy_names(
    __name__,
    dict.fromkeys(("Column", "ColumnPattern", "TableSchema"), "columns")
    | dict.fromkeys(
        ("Events", "Note", "RawRecording", "Session", "Signal", "Signals", "Spikes", "UnitAnnotation"), "recording"
    ),
)
