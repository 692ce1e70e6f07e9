"""`nh sync`: reads a catalogue and registers its sessions; downloads and launches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from nh_platform.cli import console

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.platform import Platform


def sync(
    source: Annotated[str, typer.Argument(help="Source: ibl, allen_vc or allen_vbn.")],
) -> None:
    """Read what upstream holds and register its sessions as partitions.

    Downloads no session data and launches no run; `nh materialize` does.

    **Examples**

        nh sync ibl

        nh --home /data/neuropixels sync allen_vc
    """
    outcome = sync_source(source)
    console.say(outcome)


def sync_source(source: str) -> str:
    """Read the catalogue of a source of the home folder; see `sync_platform`."""
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.sources.registry import source_entry

    source_entry(source)
    settings = load_settings()
    platform = Platform(settings)
    platform.source(source)  # its settings are refused here, before anything is made
    with open_instance(settings) as instance:
        return sync_platform(platform, instance, source)


def sync_platform(platform: Platform, instance: dg.DagsterInstance, source: str) -> str:
    """Materialize `release_manifest` of a source in this process and return a sentence on what it holds.

    Raises
    ------
    BadUpstreamData
        If the catalogue cannot be read; the text says why.
    """
    import dagster as dg

    from nh_platform.defs.release_manifest import build_release_manifest
    from nh_platform.session import BadUpstreamData
    from nh_platform.sources.registry import source_entry

    result = dg.materialize(
        [build_release_manifest(source_entry(source), platform)],
        instance=instance,
        raise_on_error=False,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
    )
    if not result.success:
        failed = next(event for event in result.all_events if event.is_step_failure).step_failure_data
        stated = failed.user_failure_data.metadata if failed.user_failure_data else {}
        if {"what", "found", "what to do"} <= set(stated):  # one of the platform's own errors, see `assets.failure`
            thing, found, action = (str(stated[name].value) for name in ("what", "found", "what to do"))
            raise BadUpstreamData(f"source {source}, {thing}", found, action)
        text = str(failed.error_display_string)
        raise BadUpstreamData(f"source {source}", text, "Run `nh doctor` to see what can be reached.")
    manifest = platform.manifest(source)
    return (
        f"{source}: {len(manifest.sessions)} sessions, {len(manifest.insertions)} insertions, "
        f"{len(manifest.files)} files ({manifest.release})"
    )
