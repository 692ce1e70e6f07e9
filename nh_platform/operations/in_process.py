"""Dagster runs in this process, told by their outcome: what failed is said in the platform's own words.

Contains what operations share that run something here and now. What they run stands in their own modules; runs that a
schedule or sensor asks for are Dagster's matter.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.errors import DagsterAssetCheckFailedError
from dagster._core.execution.plan.objects import StepFailureData

from nh_platform.operations.opened_home import OpenHome
from nh_platform.session import NhError

QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration under which Dagster's log goes to its instance and not to the terminal."""

_STATED = ("what", "found", "what to do")
"""Metadata of a failure that is one of the platform's own errors, see `nh_platform.defs.metadata.failure`."""


def materialize_one(
    home: OpenHome, definition: dg.AssetsDefinition, about: str, kind: type[NhError], action: str
) -> None:
    """Materialize one asset that is not partitioned.

    Parameters
    ----------
    home
        The home folder.
    definition
        The asset.
    about
        What the error is about if it fails.
    kind
        Class of that error.
    action
        What to do then, where the asset does not say it itself.
    """
    result = dg.materialize([definition], instance=home.instance, raise_on_error=False, run_config=QUIET)
    for failed in failed_steps(result):
        stated = failed.user_failure_data.metadata if failed.user_failure_data else {}
        if not set(_STATED) <= set(stated):
            raise kind(about, str(failed.error_display_string), action)
        thing, found, action = (str(stated[name].value) for name in _STATED)
        raise kind(f"{about}, {thing}", found, action)


def failed_steps(result: dg.ExecuteInProcessResult) -> list[StepFailureData]:
    """Return what is known of the failed steps of a run, but for one that its blocking check stopped: that says why."""
    failed = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    stopped = DagsterAssetCheckFailedError.__name__
    return [data for data in failed if data.error is None or data.error.cls_name != stopped]


def errors_of(result: dg.ExecuteInProcessResult) -> tuple[str, ...]:
    """Return what went wrong in a run, one text per failed step: our own errors in their words, without a traceback."""
    return tuple(
        str(data.user_failure_data.description) if data.user_failure_data else str(data.error_display_string)
        for data in failed_steps(result)
    )
