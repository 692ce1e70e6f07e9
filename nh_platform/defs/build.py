"""One place that puts the definitions together, so that tests can replace a piece without globals.

Add here what belongs to every source. Anything of one source alone is an entry in `registry`.
"""

from __future__ import annotations

import dagster as dg

from nh_platform.defs.assets import build_source_assets
from nh_platform.defs.automation import (
    build_inventory_check,
    build_inventory_schedule,
    build_release_schedule,
    build_release_sensor,
    external_specs,
    iter_jobs,
)
from nh_platform.defs.checks import build_unit_checks
from nh_platform.defs.platform import Platform
from nh_platform.defs.reconciliation import build_reconciliation
from nh_platform.defs.registry import SOURCES, SourceEntry
from nh_platform.defs.settings import load_settings
from nh_platform.defs.stimulus_files import TENSORS, build_stimulus_files


def build_defs(platform: Platform | None = None) -> dg.Definitions:
    """Return fresh definitions: assets, checks, jobs, schedules and sensors of every source.

    Parameters
    ----------
    platform
        The store, sources and parameters to use; those of the home folder where None.
    """
    used = platform or Platform(load_settings())
    return dg.Definitions.merge(*(_source_defs(entry, used) for entry in SOURCES.values()))


def _source_defs(entry: SourceEntry, platform: Platform) -> dg.Definitions:
    return dg.Definitions(
        assets=[
            *external_specs(entry),
            *build_source_assets(entry, platform),
            build_reconciliation(entry, platform),
            *_across_sessions(entry, platform),
        ],
        asset_checks=[build_unit_checks(entry, platform), build_inventory_check(entry, platform)],
        jobs=list(iter_jobs(entry)),
        schedules=[build_release_schedule(entry), build_inventory_schedule(entry)],
        sensors=[build_release_sensor(entry, platform)],
        executor=dg.in_process_executor,
    )


def _across_sessions(entry: SourceEntry, platform: Platform) -> list[dg.AssetsDefinition]:
    """Return the assets that join all sessions of a source."""
    return [build_stimulus_files(entry, platform)] if TENSORS in entry.extra_steps else []
