"""`nh inventory`: what is left failed, published counts against ours, and the catalogs of all sessions and units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.platform import Platform


def inventory(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc, …")],
) -> None:
    """Look over a whole source: what is left failed, counts against the published ones, catalogs of sessions and units.

    The daemon does the same every day. Ends with 1 where sessions are left failed or a complete release does not have
    its published counts.

    **Examples**

        nh inventory ibl

        nh --home data/demo inventory allen_vc
    """
    from nh_platform.defs.build import build_defs
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.sources.registry import source_entry

    source_entry(source)
    settings = load_settings()
    platform = Platform(settings)
    platform.manifest(source)  # a source that was never synced is refused here, by name
    with open_instance(settings) as instance:
        result = look_over(build_defs(platform), instance, platform, source)
    for check in result["checks"]:
        console.say(f"[{'green' if check.passed else 'yellow'}]{check.check_name}[/]: {check.description}")
    for path in result["folders"]:
        console.say(f"  {path}")
    if result["errors"] or not all(check.passed for check in result["checks"]):
        for text in result["errors"]:
            console.err.print(text, markup=False)
        raise typer.Exit(1)


def look_over(
    definitions: dg.Definitions, instance: dg.DagsterInstance, platform: Platform, source: str
) -> dict[str, Any]:
    """Run the inventory job of a source here and now; return its check evaluations, folders and errors."""
    from nh_platform.cli.runs import errors_of
    from nh_platform.defs.inventory import inventory_job_name, inventory_selection

    assets, checks = inventory_selection(platform, source)
    with console.err.status(f"looking over {source}"):
        job = definitions.resolve_job_def(inventory_job_name(source)).get_subset(
            asset_selection=set(assets), asset_check_selection=set(checks)
        )
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    made = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {
        "checks": result.get_asset_check_evaluations(),
        "folders": [str(each.metadata["dagster/uri"].value) for each in made if "dagster/uri" in each.metadata],
        "errors": errors_of(result),
    }
