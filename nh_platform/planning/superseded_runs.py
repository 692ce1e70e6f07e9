"""Superseded runs: which of Dagster's old runs tell nothing that a newer one does not tell, decided on plain data.

Contains the rule by which `nh prune --runs` removes runs. What a run was launched for is read in `operations`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ALL_CHECKS = "*"
"""Stands for every check of an asset: a run that names none evaluates them all."""


@dataclass(frozen=True)
class EndedRun:
    """A run that ended.

    Parameters
    ----------
    run_id
        Dagster's id of it.
    job, partition
        Its job, and the session; empty text for what is of no session.
    assets
        Names of the assets that it was to make; None where it took all of its job.
    checks
        Asset and name of the checks that it was to evaluate; None where it took all of its assets.
    succeeded
        Whether it did.
    ended_at
        When [s since 1970].
    """

    run_id: str
    job: str
    partition: str
    assets: frozenset[str] | None
    checks: frozenset[tuple[str, str]] | None
    succeeded: bool
    ended_at: float

    def told(self) -> set[tuple[str, ...]]:
        """Return what the run tells of: assets and checks of its session, or all of its job."""
        if self.assets is None:
            return {("job", self.job, self.partition)}
        of_checks = [(asset, ALL_CHECKS) for asset in self.assets] if self.checks is None else self.checks
        return {
            *(("asset", asset, self.partition) for asset in self.assets),
            *(("check", asset, name, self.partition) for asset, name in of_checks),
        }


def superseded(runs: Iterable[EndedRun], before: float) -> list[str]:
    """Return the runs that ended before a time and after which others succeeded in all that they were for.

    Parameters
    ----------
    runs
        All runs that ended.
    before
        Only runs that ended before it [s since 1970].

    Returns
    -------
    list of str
        Ids, newest first. The last run that made an asset of a session, or evaluated a check of it, is never among
        them: without it the page would not know the asset as made.
    """
    told_since: set[tuple[str, ...]] = set()
    found = []
    for run in sorted(runs, key=lambda one: -one.ended_at):
        told = run.told()
        if run.ended_at < before and told and all(_is_told(one, told_since) for one in told):
            found.append(run.run_id)
        elif run.succeeded:
            told_since |= told
    return found


def _is_told(one: tuple[str, ...], since: set[tuple[str, ...]]) -> bool:
    if one in since:
        return True
    kind, asset, *rest = one
    return kind == "check" and ("check", asset, ALL_CHECKS, rest[-1]) in since
