"""One place that puts the definitions together, so that tests can replace a piece without globals.

Add here what belongs to every source. What belongs to one source stands in its entry (`nh_platform.sources`).
"""

from __future__ import annotations

import logging

import dagster as dg

from nh_platform.defs.across_sessions.source_assets import build_source_assets
from nh_platform.defs.across_sessions.training_sets import build_training_set_asset
from nh_platform.defs.automation import (
    build_alert_sensor,
    build_release_job,
    build_release_schedule,
    build_release_sensor,
    build_session_job,
    external_specs,
)
from nh_platform.defs.checks import build_gate, build_unit_checks
from nh_platform.defs.inventory import (
    build_inventory_check,
    build_inventory_job,
    build_inventory_schedule,
    build_upstream_check,
)
from nh_platform.defs.release_manifest import build_release_manifest
from nh_platform.defs.session_assets import build_session_assets
from nh_platform.defs.stored_files import build_stored_files_check
from nh_platform.home.platform import Platform
from nh_platform.home.settings import load_settings
from nh_platform.planning.versions import SourcePlan
from nh_platform.session import NhError
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.registry import lab_package

_log = logging.getLogger(__name__)


def build_defs(platform: Platform | None = None, *, queued: bool = True) -> dg.Definitions:
    """Return fresh definitions: assets, checks, jobs, schedules and sensors of every source.

    A source of an installed package whose definitions cannot be made is left out, with a warning in the log.

    Parameters
    ----------
    platform
        The store, sources and parameters to use; those of the home folder where None.
    queued
        Whether runs of sessions take places of the daemon's queue; those that a command runs here and now do not.
    """
    used = platform or Platform(load_settings())
    made, served = [], []
    for entry in used.entries.values():
        package = lab_package(entry.name)
        try:
            made.append(_source_defs(entry, used, queued))
            served.append(entry.name)
        except Exception as error:
            if package is None:
                raise
            # Code and rulebook are a lab's: whatever is wrong with them, the other sources go on.
            found = (str(error) if isinstance(error, NhError) else f"{type(error).__name__}: {error}").rstrip(".")
            _log.warning("source %s of package %s is left out: %s; the others go on", entry.name, package, found)
    across = dg.Definitions(assets=[build_training_set_asset(used, sources=served)], sensors=[build_alert_sensor(used)])
    return dg.Definitions.merge(*made, across)


def _source_defs(entry: SourceEntry, platform: Platform, queued: bool) -> dg.Definitions:
    plan = SourcePlan(platform, entry.name)
    for problem in plan.problems:
        _log.warning("%s %s; the others go on", problem.thing, problem.found)
    jobs = [build_session_job(entry, plan.assets), build_release_job(entry), build_inventory_job(entry)]
    return dg.Definitions(
        assets=[
            *external_specs(entry, {group for asset in plan.assets.values() for group in asset.groups}),
            build_release_manifest(entry, platform),
            *build_session_assets(entry, plan, queued=queued),
            *build_source_assets(entry, platform),
        ],
        asset_checks=[
            build_gate(entry, platform, queued=queued),
            build_unit_checks(entry, platform, queued=queued),
            build_inventory_check(entry, platform),
            build_stored_files_check(entry, platform),
            build_upstream_check(entry, platform),
        ],
        jobs=jobs,
        schedules=[build_release_schedule(entry, platform), build_inventory_schedule(entry, platform)],
        sensors=[build_release_sensor(entry, platform, jobs)],
        executor=dg.in_process_executor,
    )
