"""One place that puts the definitions together, so that tests can replace a piece without globals.

Add here what belongs to every source. Anything of one source alone is an entry in `registry`.
"""

from __future__ import annotations

import dagster as dg

from nh_platform.defs.assets import build_source_assets
from nh_platform.defs.checks import build_unit_checks
from nh_platform.defs.planning import STEPS
from nh_platform.defs.platform import Platform
from nh_platform.defs.registry import SOURCES
from nh_platform.defs.settings import load_settings


def session_job_name(source: str) -> str:
    """Return the name of the job that materializes every asset of one session."""
    return f"{source}_session"


def build_defs(platform: Platform | None = None) -> dg.Definitions:
    """Return fresh definitions: assets, checks and jobs of every source.

    Parameters
    ----------
    platform
        The store, sources and parameters to use; those of the home folder where None.
    """
    used = platform or Platform(load_settings())
    assets: list[dg.AssetsDefinition] = []
    checks: list[dg.AssetChecksDefinition] = []
    jobs = []
    for entry in SOURCES.values():
        assets.extend(build_source_assets(entry, used))
        checks.append(build_unit_checks(entry, used))
        jobs.append(
            dg.define_asset_job(
                session_job_name(entry.name),
                selection=dg.AssetSelection.assets(*(dg.AssetKey([entry.name, asset]) for asset in STEPS)),
                description=f"Every asset and check of one session of {entry.title}.",
            )
        )
    return dg.Definitions(assets=assets, asset_checks=checks, jobs=jobs, executor=dg.in_process_executor)
