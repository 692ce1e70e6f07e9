"""A whole source looked over: what is left failed, counts against the published ones, and the catalogs made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nh_platform.operations.home_status import count_notes
from nh_platform.operations.opened_home import Home, open_home


@dataclass(frozen=True)
class InventoryCheck:
    """Outcome of a check, in words.

    Parameters
    ----------
    name, passed, description
        The check, and what was found.
    is_known
        Whether there was anything to hold it against: counts of a release that nobody published cannot be contradicted.
    """

    name: str
    passed: bool
    description: str
    is_known: bool = True


@dataclass(frozen=True)
class InventoryResult:
    """Outcome of an inventory of a source.

    Parameters
    ----------
    checks
        The standing check and those of what was made.
    folders
        Folders of the assets across sessions that were made.
    errors
        What went wrong, one text per failed step.
    n_notes
        Notes of what the stored assets of its sessions left out or assumed.
    warned
        Checks of sessions that warn or fail, each with the number of sessions in which its last evaluation did.
    """

    checks: tuple[InventoryCheck, ...]
    folders: tuple[str, ...]
    errors: tuple[str, ...]
    n_notes: int
    warned: Mapping[str, int]

    @property
    def passed(self) -> bool:
        """Whether nothing failed and every check passed that had something to be held against."""
        return not self.errors and all(check.passed or not check.is_known for check in self.checks)


def inventory(home: Home, source: str) -> InventoryResult:
    """Run the daily inventory of a source here and now.

    Raises
    ------
    ConfigError
        If there is no such source.
    UnknownSession
        If the source was never synced.
    """
    from nh_platform.defs.automation.jobs import inventory_job_name
    from nh_platform.defs.inventory import inventory_selection
    from nh_platform.defs.making_checks import NOT_COMPARED
    from nh_platform.defs.run_tags import run_tags
    from nh_platform.defs.session_history import warned_sessions
    from nh_platform.operations.in_process import errors_of, execute

    with open_home(home) as at:
        at.platform.entry(source)
        at.platform.manifest(source)  # a source that was never synced is refused here, by name
        assets, checks = inventory_selection(at.platform, source)
        job = at.definitions.resolve_job_def(inventory_job_name(source)).get_subset(
            asset_selection=set(assets), asset_check_selection=set(checks)
        )
        result = execute(at, job, tags=run_tags(at.platform.store, source, "nh inventory"))
        store = at.platform.store
        stored = store.sessions(source)
        n_notes = sum(count_notes(store, source, one, store.assets(source, one)) for one in stored)
        warned = warned_sessions(at.instance, at.platform, source, stored)
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return InventoryResult(
        tuple(
            InventoryCheck(
                e.check_name,
                e.passed,
                e.description or "",
                is_known=NOT_COMPARED not in e.metadata or not e.metadata[NOT_COMPARED].value,
            )
            for e in result.get_asset_check_evaluations()
        ),
        tuple(str(each.metadata["dagster/uri"].value) for each in made if "dagster/uri" in each.metadata),
        errors_of(result),
        n_notes,
        warned,
    )
