"""What runs without a hand on it: the daily look at a release, the sensor that asks for runs, and the alerts.

The release sensor is the one place that launches runs of sessions; automation conditions are not used
(docs/decisions/0005 says why). What is made of all sessions together is `nh_platform.defs.inventory`.
"""

from nh_platform.defs.automation.alerts import build_alert_sensor
from nh_platform.defs.automation.jobs import (
    build_release_job,
    build_release_schedule,
    build_session_job,
    not_synced,
    release_job_name,
    session_job_name,
)
from nh_platform.defs.automation.observations import external_specs
from nh_platform.defs.automation.release_sensor import build_release_sensor, evaluate_release, release_sensor_name

__all__ = [
    "build_alert_sensor",
    "build_release_job",
    "build_release_schedule",
    "build_release_sensor",
    "build_session_job",
    "evaluate_release",
    "external_specs",
    "not_synced",
    "release_job_name",
    "release_sensor_name",
    "session_job_name",
]
