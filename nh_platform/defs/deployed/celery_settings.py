"""Settings of Celery that the run launcher and the workers share.

Add a setting here when both sides must agree on it, or when workers would do the wrong thing without it.
"""

from __future__ import annotations

from typing import Any

REDIS_VARIABLE = "NH_REDIS_URL"
"""Environment variable with the address of Redis, which holds the queue of runs and what became of each."""

SETTINGS: dict[str, Any] = {
    # A run has a process of its own, forked when the one before ended: what it leaks or crashes is its own, and it
    # reads rulebooks and `sources.yaml` as they are now.
    "worker_max_tasks_per_child": 1,
    # A task waits in Redis and not at a worker that is busy with another one for an hour.
    "worker_prefetch_multiplier": 1,
    "worker_disable_prefetch": True,
    # A task is taken off the queue when it starts: put back after an hour (Redis' visibility timeout), a long run would
    # run twice. What is lost with its worker is found by the health check and launched again by Dagster.
    "task_acks_late": False,
    "worker_proc_alive_timeout": 60.0,  # 4 s were too short on a loaded machine
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {"max_retries": 3, "interval_start": 0, "interval_step": 0.2, "interval_max": 0.5},
    "result_backend_transport_options": {"retry_policy": {"timeout": 5.0}},
    "worker_redirect_stdouts": False,  # what a run prints goes where Dagster captures it
    "accept_content": ["json"],
    "task_serializer": "json",
    "result_serializer": "json",
    "timezone": "UTC",
}
