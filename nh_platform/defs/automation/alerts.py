"""Alerts: a sensor that tells the hooks of ``alerts.yaml`` which checks failed or warned.

Contains what is gathered from the runs that ended, and how it is handed over. Who is told is `nh_platform.home.alerts`.
Dagster's own alerts belong to its paid service.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from nh_platform.assets.release_manifest import NAME as MANIFEST_ASSET
from nh_platform.defs.automation.stale_releases import LOOK_INTERVAL_S, stale_releases
from nh_platform.defs.making_checks import NOT_COMPARED
from nh_platform.home.alerts import ALERTS_FILE, AlertSettings, Hook, Severity, load_alerts
from nh_platform.home.platform import Platform
from nh_platform.session import NhError, UpstreamTrouble
from nh_platform.session.display import counted

ALERT_SENSOR = "nh_alerts"
ALERT_INTERVAL_S = 60
_LOOK_BACK_S = 60.0
"""Runs are looked at again for so long: one that ended earlier can be written later."""
_TIMEOUT_S = 20
_MOST_STATED = 50
"""Checks that one message states whole; a new rulebook can warn of a thousand sessions."""
_STANDING = " standing"
"""Key of the cursor for what is stale; no hook is called so."""
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class CheckAlert:
    """One check that did not pass, as a hook is told of it."""

    outcome: Severity
    source: str
    asset: str
    check: str
    session: str
    found: str
    rulebook: str
    run: str


def build_alert_sensor(platform: Platform) -> dg.SensorDefinition:
    """Return the sensor that hands checks which failed or warned to the hooks of the home folder."""

    @dg.sensor(
        name=ALERT_SENSOR,
        minimum_interval_seconds=ALERT_INTERVAL_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=(
            f"Tells the hooks of {ALERTS_FILE} in the home folder (a webhook or a command) which checks failed or "
            "warned (rules, gates, sessions left failed, upstream that is down), and of releases that are not worked "
            "off for days. docs/configuration.md says how."
        ),
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return evaluate_alerts(context.instance, platform, context.cursor)

    return alerts


def evaluate_alerts(instance: dg.DagsterInstance, platform: Platform, cursor: str | None) -> dg.SensorResult:
    """Do one tick: what ended since the last one is told to every hook; one that cannot be told is tried again alone.

    The cursor holds for each hook the time up to which runs were told and the last of them. A hook is first told of
    what ends after its first tick, so that who sets one up is not sent the history.
    """
    memory: dict[str, Any] = json.loads(cursor) if cursor else {}
    try:
        settings = load_alerts(platform.settings.home)
    except NhError as error:
        return _said(str(error), json.dumps(memory))
    hooks = settings.hooks
    standing = _standing(instance, platform, settings, memory.get(_STANDING) or {}) if hooks else {}
    stale: dict[str, dict[str, str]] = standing.get("stale", {})
    words, kept = [], dict[str, Any]({_STANDING: standing} if standing else {})
    for hook in hooks:
        before = memory.get(hook.name)
        told, alerts, ended = _gathered(instance, before or {"at": time.time(), "told": []})
        known = (before or {}).get("stale", [])
        alerts += [_stale_alert(one) for key, one in sorted(stale.items()) if key not in known]
        kept[hook.name] = {"at": ended, "told": told, "stale": sorted(stale)}
        chosen = [one for one in alerts if one.outcome in hook.outcomes]
        if before is None:
            words.append(f"{hook.name} is told of what ends from now on")
            kept[hook.name]["stale"] = []  # what is stale goes on: it is told in the next tick
        elif chosen:
            try:
                tell(hook, chosen, platform)
                words.append(f"{counted(len(chosen), 'check')} told to {hook.name}")
            except NhError as error:
                kept[hook.name] = before
                words.append(f"{counted(len(chosen), 'check waits', 'checks wait')}: {error}")
    nothing = "no check failed or warned" if hooks else f"no hooks in {ALERTS_FILE}"
    return _said("; ".join(words) or nothing, json.dumps(kept))


def _standing(
    instance: dg.DagsterInstance, platform: Platform, settings: AlertSettings, memory: dict[str, Any]
) -> dict[str, Any]:
    """Return what is stale, looked at anew every half hour, and since when each source waits."""
    now = dt.datetime.now(dt.UTC)
    if 0 <= time.time() - float(memory.get("looked", 0.0)) < LOOK_INTERVAL_S:
        return memory
    since = dict(memory.get("since", {}))
    return {"looked": time.time(), "stale": stale_releases(instance, platform, settings, since, now), "since": since}


def _stale_alert(one: dict[str, str]) -> CheckAlert:
    asset = f"{one['source']}/{MANIFEST_ASSET}"
    return CheckAlert("warned", one["source"], asset, one["check"], session="", found=one["found"], rulebook="", run="")


def _said(words: str, cursor: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=" ".join(words.split())[:600], cursor=cursor)


def _gathered(instance: dg.DagsterInstance, memory: dict[str, Any]) -> tuple[list[str], list[CheckAlert], float]:
    """Return the runs that were looked at lately, the checks of the new ones that did not pass, and the last end."""
    # The clock may have been set back, and that of a worker may be ahead: what ends until then would be told to nobody.
    now = time.time()
    at, known = min(float(memory["at"]), now), set(memory["told"])
    since = dt.datetime.fromtimestamp(at - _LOOK_BACK_S, dt.UTC)
    records = instance.get_run_records(dg.RunsFilter(statuses=_ENDED, updated_after=since))
    ended = [one for one in records if (one.end_time or 0.0) > at - _LOOK_BACK_S]
    alerts = [
        alert
        for one in reversed(ended)
        if one.dagster_run.run_id not in known
        for alert in _of_run(instance, one.dagster_run)
    ]
    last = min(max((one.end_time or 0.0 for one in ended), default=at), now)
    recent = [one.dagster_run.run_id for one in ended if (one.end_time or 0.0) > last - _LOOK_BACK_S]
    return recent, alerts, max(at, last)


def _of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[CheckAlert]:
    found = []
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        if entry.dagster_event is None:
            continue
        evaluation = entry.dagster_event.asset_check_evaluation_data
        metadata = {name: value.value for name, value in evaluation.metadata.items()}
        if evaluation.passed or metadata.get(NOT_COMPARED):
            continue
        found.append(
            CheckAlert(
                outcome="failed" if evaluation.severity is dg.AssetCheckSeverity.ERROR else "warned",
                source=evaluation.asset_key.path[0],
                asset=evaluation.asset_key.to_user_string(),
                check=evaluation.check_name,
                session=evaluation.partition or "",
                found=evaluation.description or "",
                rulebook=str(metadata.get("rulebook", "")),
                run=run.run_id,
            )
        )
    return found


def tell(hook: Hook, alerts: Sequence[CheckAlert], platform: Platform) -> None:
    """Hand alerts to one hook: JSON posted to its address, or on the standard input of its command.

    Raises
    ------
    NhError
        If it cannot be told; the text names the hook and no secret address.
    """
    first = alerts[0]
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    about = " ".join(part for part in (first.asset, first.session, first.check) if part)
    # `text` is what chats show of a webhook.
    message = {
        "text": f"nh: {first.outcome} {about}: {first.found}{more}",
        "home": str(platform.settings.home),
        "count": len(alerts),
        "checks": [asdict(one) for one in alerts[:_MOST_STATED]],
    }
    body = json.dumps(message).encode()
    try:
        if hook.command is not None:
            subprocess.run(hook.command, input=body, timeout=_TIMEOUT_S, check=True, capture_output=True)
            return
        request = urllib.request.Request(hook.address(), body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S):
            return
    except NhError:
        raise
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = f"HTTP {code}" if (code := getattr(error, "code", None)) else type(error).__name__
        if isinstance(error, subprocess.CalledProcessError):
            reason = f"it ended with {error.returncode}"
        raise UpstreamTrouble(f"hook {hook.name}", f"it could not be told: {reason}", "It is tried again.") from None
