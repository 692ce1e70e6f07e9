"""`nh status`: how far every source is, and the disk that the home folder takes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.platform import Platform


def status(
    format_: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.table,
) -> None:
    """Show per source how many sessions are ingested, stale, failed, gated or withdrawn, and the disk that all takes.

    **Examples**

        nh status

        nh --home /data/neuropixels status --format json
    """
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import open_instance
    from nh_platform.session import ConfigError, UnknownSession
    from nh_platform.sources.registry import source_names

    settings = load_settings()
    platform = Platform(settings)
    rows: list[dict[str, Any]] = []
    with open_instance(settings) as instance:
        for source in source_names():
            try:
                rows.append(_status_row(instance, platform, source))
            except UnknownSession:
                rows.append({"source": source, "release": f"never synced: nh sync {source}"})
            except ConfigError as error:  # its rulebook, for example
                rows.append({"source": source, "release": "cannot be used as it is configured"})
                console.warn(error)
    columns = (
        *("source", "release", "snapshot", "sessions", "ingested", "stale", "not loaded", "failed", "gated"),
        *("withdrawn", "store GB"),
    )
    console.print_rows(rows, columns, format_, title=str(settings.home))
    if format_ is Format.table:
        console.say(disk_words(settings.home))


def _status_row(instance: dg.DagsterInstance, platform: Platform, source: str) -> dict[str, Any]:
    from nh_platform.defs.inventory import failed_sessions
    from nh_platform.planning.session_states import source_states, withdrawn

    states = source_states(platform, source)
    stored = set(platform.store.sessions(source))
    complete = [state for state in states.sessions if not state.stale and state.session_id not in states.gated]
    return {
        "source": source,
        "release": platform.manifest(source).release,
        "snapshot": states.snapshot,
        "sessions": len(states.sessions),
        "ingested": len(complete),
        "stale": sum(bool(state.stale) and state.session_id in stored for state in states.sessions),
        "not loaded": sum(state.session_id not in stored for state in states.sessions),
        "failed": len(failed_sessions(instance, source, states)),
        "gated": len(states.gated),
        "withdrawn": len(withdrawn(platform, source)),
        "store GB": round(folder_bytes(platform.store.root / source) / 1e9, 3),
    }


def disk_words(home: Path) -> str:
    """Return in words what every folder of a home takes, downloads and Dagster's history too, and what is free."""
    sizes = {folder.name: folder_bytes(folder) for folder in sorted(home.iterdir()) if folder.is_dir()}
    parts = [f"{name} {size / 1e9:.3f} GB" for name, size in sizes.items()]
    return f"Disk: {', '.join(parts)}; {shutil.disk_usage(home).free / 1e9:.0f} GB are free."


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files below a folder; a file that goes meanwhile counts 0."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return total
