"""What runs print with ``NH_LOG_FORMAT=json``: one JSON object a line.

Contains the handler that ``dagster.yaml`` gives to all runs. Each line has the time, the level, the source, session and
asset, the run, and the kind of event, so that a log system finds a session without reading texts. Add a field here that
every line should have.
"""

import datetime as dt
import json
import logging
import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any, TextIO

import dagster as dg

from nh_platform.defs.run_tags import PARTITION_TAG, SOURCE_TAG
from nh_platform.session import ConfigError
from nh_platform.session.errors import without_account

# Before Dagster asks for the handler: every command and run that opened an instance began with four lines of it.
warnings.filterwarnings("ignore", "Handling yaml-defined logging configuration", dg.BetaWarning)

FORMAT_VARIABLE = "NH_LOG_FORMAT"
FORMATS = ("text", "json")
_EVENTS = {
    dg.DagsterEventType.STEP_FAILURE.value,
    dg.DagsterEventType.ASSET_MATERIALIZATION.value,
    dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
    dg.DagsterEventType.RUN_START.value,
    dg.DagsterEventType.RUN_SUCCESS.value,
    dg.DagsterEventType.RUN_FAILURE.value,
    dg.DagsterEventType.RUN_CANCELED.value,
}
"""Events that are printed whatever their level; most of Dagster's are about its own steps, 60 for a session."""


def log_format() -> str:
    """Return what the environment asks for, ``text`` or ``json``.

    Raises
    ------
    ConfigError
        If it is neither.
    """
    asked = os.environ.get(FORMAT_VARIABLE) or FORMATS[0]
    if asked not in FORMATS:
        raise ConfigError(f"environment variable {FORMAT_VARIABLE}", f"{asked!r} is no format", "Use text or json.")
    return asked


class JsonLines(logging.Formatter):
    """Writes a record of a run as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        return json.dumps(line_of(record), default=str)  # in ASCII: U+2028 ends a line for some readers


def line_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return what a line says of a record; keys that nothing is known for are left out."""
    meta: Mapping[str, Any] = getattr(record, "dagster_meta", None) or {}
    event = meta.get("dagster_event")
    tags = meta.get("job_tags") or {}
    source, asset = tags.get(SOURCE_TAG), None
    key = getattr(event, "asset_key", None) or _checked_asset(event)
    if key is not None:
        source, asset = key.path[0], key.path[-1]
    elif step := meta.get("step_key"):
        asset = str(step).partition("__")[2] or step
    error = _error_of(event)
    said = {
        "time": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "source": source,
        "session": tags.get(PARTITION_TAG),
        "asset": asset,
        "run": meta.get("run_id"),
        "event": None if event is None else event.event_type.name,
        "check": getattr(_evaluation(event), "check_name", None),
        "passed": getattr(_evaluation(event), "passed", None),
        "message": without_account(str(meta.get("orig_message") or record.getMessage())),
        "error": None if error is None else without_account(error),
    }
    return {name: value for name, value in said.items() if value is not None}


def _evaluation(event: Any) -> dg.AssetCheckEvaluation | None:
    is_check = getattr(event, "event_type_value", "") == dg.DagsterEventType.ASSET_CHECK_EVALUATION.value
    return event.asset_check_evaluation_data if is_check else None


def _checked_asset(event: Any) -> dg.AssetKey | None:
    evaluation = _evaluation(event)
    return None if evaluation is None else evaluation.asset_key


def _error_of(event: Any) -> str | None:
    data = getattr(event, "event_specific_data", None)
    error = getattr(data, "error", None)
    return None if error is None else str(error.message).strip()


class RunLines(logging.StreamHandler[TextIO]):
    """Prints what runs do to standard error as JSON lines; nothing where they are not asked for.

    Named in ``dagster.yaml``, so that runs of the daemon, of the page and of commands print alike. What Dagster itself
    prints of warnings, in its own text, stays.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(JsonLines())

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a record is printed."""
        if os.environ.get(FORMAT_VARIABLE) != "json":
            return False
        event = (getattr(record, "dagster_meta", None) or {}).get("dagster_event")
        if event is None:
            return record.levelno >= logging.INFO
        return event.event_type_value in _EVENTS
