"""Sessions made by a deployment whose parts fail one after another, with the store in a bucket.

One session more than asked for crashes every process that reads it. Add here what a rehearsal does between the start of
servers and the last session; faults stand in `injections`, what is asserted in the tests.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nh_platform.assets.registry import session_assets
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform_tests.homes import make_home
from nh_platform_tests.services.deployment import Deployment, deployment
from nh_platform_tests.services.faults.fault_table import Injected, fault_table
from nh_platform_tests.services.faults.injections import AtWork, Injection, NotPossible, Site
from nh_platform_tests.services.faults.machine_faults import disk_of_its_own
from nh_platform_tests.services.faults.machines import machines

SOURCE = "ibl"
WORKERS = 2
SESSION_S = 300.0
"""For each session; one takes 10 s of process start and work on two idle cores, 40 to 130 s at a load of 12."""
_BETWEEN_S = 15.0
"""A run that was hit and lives is hit again after this time at the earliest [s]."""
_HITS = 2
"""After so many faults a session is left alone by aimed kills: Dagster tries three times before it waits."""


@dataclass
class Rehearsal:
    """A deployment with a session that crashes, and what was injected.

    Attributes
    ----------
    made_at
        Sessions of which every asset was found made, with the times by this process's clock [s].
    """

    home: Path
    site: Site
    poisoned: str
    n_sessions: int
    injected: list[Injected] = field(default_factory=list)
    made_at: dict[str, float] = field(default_factory=dict)
    _hit: dict[str, float] = field(default_factory=dict)
    _hits: Counter[str] = field(default_factory=Counter)

    @property
    def at(self) -> Deployment:
        """The servers."""
        return self.site.at

    def look(self) -> bool:
        """Look which sessions are made, and return whether all are."""
        platform = Platform(load_settings(self.home))
        for session in platform.manifest(SOURCE).session_ids:
            if session not in self.made_at and all(
                platform.store.current(SOURCE, session, asset) for asset in session_assets(SOURCE)
            ):
                self.made_at[session] = time.monotonic()
        return len(self.made_at) == self.n_sessions

    def ask(self) -> None:
        """Ask for all sessions."""
        said = self.at.nh("backfill", SOURCE)
        assert re.search(rf"{self.n_sessions + 1} sessions queued as backfill \w+", said), said

    def inject(self, faults: Sequence[tuple[str, Injection]], *, most_s: float = 2.0) -> None:
        """Let faults happen, each at a random moment while a session is being made.

        Parameters
        ----------
        faults
            Words and what happens.
        most_s
            Up to which time after a session was seen at work [s].
        """
        for name, inject in faults:
            fault = Injected(name)
            self.injected.append(fault)
            seen: list[AtWork] = []

            def is_at_work(seen: list[AtWork] = seen) -> bool:
                found = [self.site.at_work(worker) for worker in self.site.workers()]
                others = [one for one in found if one is not None and one.session != self.poisoned]
                now = time.monotonic()
                seen += [one for one in others if now - self._hit.get(one.run, -_BETWEEN_S) >= _BETWEEN_S]
                return bool(seen) or self.look()

            self.at.wait_until(f"a run to be hit by '{name}'", is_at_work, SESSION_S * 2)
            if not seen:
                fault.not_tried = "every session was made before"
                continue
            time.sleep(self.site.chance.uniform(0, most_s))
            hit = self.site.at_work(seen[0].worker) or seen[0]
            fault.at = time.monotonic()
            try:
                aimed = inject(self.site, hit)
            except NotPossible as error:
                fault.at, fault.not_tried = 0.0, str(error)
                continue
            if aimed is not None:
                hit, fault.at = aimed, time.monotonic()
            self._hit[hit.run] = time.monotonic()
            self._hits[hit.session] += 1
            if self._hits[hit.session] == _HITS:
                self.site.spared.add(hit.session)
            fault.session, fault.at_work = hit.session, hit.assets.replace(f"{SOURCE}__", "")

    def wait_until_made(self) -> None:
        """Wait until every session is made but the one that crashes, which is left failed, and print the table."""
        try:
            self._wait()
        finally:
            self.look()
            for fault in self.injected:
                if fault.at and fault.session in self.made_at:
                    fault.recovered_s = max(self.made_at[fault.session] - fault.at, 0.0)
            print(f"\n{fault_table(self.injected)}")

    def _wait(self) -> None:
        seconds = SESSION_S * self.n_sessions
        self.at.wait_until("the backfill", self.look, seconds)

        def is_left_failed() -> bool:
            # Dagster tries three times, twice where its daemon is killed at that moment; the sensor asks again later.
            runs = f"select count(*) from run_tags where key = 'dagster/partition' and value = '{self.poisoned}'"
            open_runs = "select count(*) from runs where status in ('QUEUED', 'NOT_STARTED', 'STARTING', 'STARTED')"
            return int(self.at.postgres.query(runs)) >= 2 and self.at.postgres.query(open_runs) == "0"

        crashing = Injected("session that always crashes, left failed", at=time.monotonic())
        self.injected.append(crashing)
        crashing.recovered_s = self.at.wait_until("the end of the session that crashes", is_left_failed, seconds)


@contextmanager
def rehearsal(folder: Path, n_sessions: int, *, small_disk: bool = False) -> Iterator[Rehearsal]:
    """Start a deployment whose store lies in a bucket, and register its sessions.

    Parameters
    ----------
    folder
        Where the home and the caches of the machines lie.
    n_sessions
        Sessions beside the one that crashes.
    small_disk
        Whether the cache of the last worker has a small disk of its own.
    """
    home = folder / "home"
    make_home(home, (SOURCE,), n_sessions=n_sessions + 1)
    crash_at = sorted((home / "upstream").rglob("spikes.times*.npy"))[0]
    with machines(folder / "caches") as around, pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        if small_disk:
            stack.enter_context(disk_of_its_own(around.cache(f"w{WORKERS}")))
        for name, value in around.direct("of-the-test").items():
            patch.setenv(name, value)
        with deployment(
            home, workers=WORKERS, crash_at=crash_at, variables=around.variables("shared"), of_machine=around.variables
        ) as at:
            at.nh("sync", SOURCE)
            sessions, parts = Platform(load_settings(home)).manifest(SOURCE).sessions, set(crash_at.parts)
            poisoned = next(row.session_id for row in sessions.itertuples() if {row.subject, str(row.date)} <= parts)
            site = Site(at, around, spared={poisoned, "_source"})
            yield Rehearsal(home, site, poisoned, n_sessions)
