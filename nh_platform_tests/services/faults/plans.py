"""Which faults a rehearsal injects, in which order: the short one of every run of the tests, and the whole.

Add here a fault that a rehearsal is to survive. How it happens stand `injections` and `machine_faults`.
"""

from __future__ import annotations

from nh_platform_tests.services.faults.injections import (
    Injection,
    bucket_in_trouble,
    flush_redis,
    kill_at,
    kill_code_server,
    kill_daemon,
    kill_run,
    kill_worker,
    restart_postgres,
)
from nh_platform_tests.services.faults.machine_faults import fill_disk, move_clock, start_second_daemon

Plan = tuple[tuple[str, Injection], ...]

FEW_SESSIONS, MANY_SESSIONS = 5, 20
_ASSETS = ("raw_spikes", "events", "signals", "units", "windows", "unit_embeddings", "session_report")
"""In the order in which a run makes them."""
_MAKING_S = 1.0
"""Within this time after an asset was published the next is being made [s]."""

FEW: Plan = (
    ("worker killed", kill_worker),
    ("Redis flushed", flush_redis),
    ("run killed while publishing", kill_at("PUT [a-z_]+/current")),
    ("bucket answers 500, 503, slowly", bucket_in_trouble),
    ("run killed", kill_run),
    ("PostgreSQL crashed", restart_postgres),
    ("daemon killed", kill_daemon),
    ("code server killed", kill_code_server),
)
_SERVERS = (
    ("Redis flushed", flush_redis),
    ("bucket answers 500, 503, slowly", bucket_in_trouble),
    ("PostgreSQL crashed", restart_postgres),
    ("daemon killed", kill_daemon),
    ("code server killed", kill_code_server),
)
_KILLS = (
    ("worker killed", kill_worker),
    *((f"run killed after {one}", kill_at(f"PUT {one}/current", after_s=_MAKING_S)) for one in _ASSETS[:-1]),
    *((f"killed at the record of {one}", kill_at(f"PUT {one}/[^/]+/provenance")) for one in _ASSETS),
    *((f"killed at the pointer of {one}", kill_at(f"PUT {one}/current")) for one in _ASSETS),
)


def _woven() -> Plan:
    """Return the whole: kills, with a server's fault after every third, in an order that repeats itself."""
    first: Plan = (
        ("second daemon started", start_second_daemon),
        ("disk of a worker full", fill_disk),
        ("clock of a worker a day ahead", move_clock),
    )
    woven: list[tuple[str, Injection]] = []
    for number, kill in enumerate(_KILLS):
        woven.append(kill)
        if number % 3 == 2:
            woven.append(_SERVERS[number // 3 % len(_SERVERS)])
    return (*first, *woven)


WHOLE = _woven()
