"""`nh doctor`: what this machine has, what is configured, and which servers answer."""

from __future__ import annotations

import os
import platform as machine
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from nh_platform.cli import console
from nh_platform.cli.console import Format

PACKAGES = ("nh-platform", "dagster", "dagster-webserver", "ONE-api", "iblatlas", "allensdk", "numpy", "h5py", "numba")
CREDENTIALS = ("NH_ONE_URL", "NH_ONE_USERNAME", "NH_ONE_PASSWORD", "NH_ONE_TOKEN")
MIN_FREE_GB = 10
"""An Allen session is 1.7 to 3.3 GB and an IBL one some hundred MB; below this a first session may not fit."""
CONNECT_TIMEOUT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One line of the report; ``ok`` is None where it is only information."""

    about: str
    ok: bool | None
    text: str


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not try to reach any server.")] = False,
    format_: Annotated[Format, typer.Option("--format", help="Form of the output.")] = Format.table,
) -> None:
    """Check the environment, credentials, disk, versions and servers, and say what to do about each.

    Exits with 1 if something that the platform cannot do without is wrong. Secrets are never printed.

    **Examples**

        nh doctor

        nh doctor --offline --format json
    """
    findings = [*_environment(), *_home(), *_sources(), *([] if offline else _servers())]
    words = {True: "ok", False: "problem", None: "info"}
    rows = [{"about": f.about, "state": words[f.ok], "found": f.text} for f in findings]
    console.print_rows(rows, ["about", "state", "found"], format_)
    if any(f.ok is False for f in findings):
        raise typer.Exit(1)


def _environment() -> Iterator[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", supported, f"{machine.python_version()} (3.11 to 3.13 are supported)")
    for name in PACKAGES:
        try:
            yield Finding(name, None, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed; run `uv sync`")
    yield Finding("CPU cores", None, str(os.cpu_count()))


def _home() -> Iterator[Finding]:
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import configuration_file
    from nh_platform.session import ConfigError
    from nh_platform.sources.registry import source_names

    try:
        settings = Platform(load_settings()).settings
        source_names()
    except ConfigError as error:
        yield Finding("settings", False, str(error))
        return
    there = settings.home if settings.home.exists() else _existing_parent(settings.home)
    free = shutil.disk_usage(there).free / 1e9
    yield Finding("home", os.access(there, os.W_OK), f"{settings.home}")
    text = f"{free:.0f} GB free; a session needs up to 4 GB"
    yield Finding("disk", True if free >= MIN_FREE_GB else None, text)
    given = os.environ.get("DAGSTER_HOME")
    yield Finding("Dagster home", None, given or f"{settings.dagster_home} (embedded)")
    yield Finding("dagster.yaml", None, str(configuration_file("dagster.yaml")))


def _sources() -> Iterator[Finding]:
    from nh_platform.assets.registry import package_problems
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.session import ConfigError, NhError
    from nh_platform.sources.registry import source_names

    for name in CREDENTIALS:
        value = os.environ.get(name)
        shown = "not set" if not value else value if name in ("NH_ONE_URL", "NH_ONE_USERNAME") else "set"
        yield Finding(name, None, shown)
    for problem in package_problems():
        yield Finding(problem.thing, None, f"{problem.found}. {problem.action}")
    try:
        platform, names = Platform(load_settings()), source_names()
    except ConfigError:
        return  # the line on the settings says why
    for name in names:
        try:
            manifest = platform.manifest(name)
            yield Finding(f"source {name}", None, f"{len(manifest.sessions)} sessions at the last sync")
        except NhError as error:
            yield Finding(f"source {name}", None, f"{error.found}. {error.action}")


def _servers() -> Iterator[Finding]:
    """Try every server that a source asks as it is configured: a connection each, and no request."""
    from nh_platform.home.settings import load_settings
    from nh_platform.session import ConfigError, NhError
    from nh_platform.sources.registry import named_failures, sources

    try:
        settings, served = load_settings(), sources()
    except ConfigError:
        return  # the line on the settings says why
    asked_by: dict[str, list[str]] = {}
    for name, entry in served.items():
        try:
            with named_failures(name, "its servers cannot be told"):
                for url in entry.servers(settings.source(name).read):
                    asked_by.setdefault(url, []).append(name)
        except NhError as error:
            yield Finding(error.thing, None, f"{error.found}. {error.action}")
    for url, names in asked_by.items():
        try:
            parts = urlsplit(url)
            address = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
            with socket.create_connection(address, timeout=CONNECT_TIMEOUT_S):
                yield Finding(url, True, f"answers ({', '.join(names)})")
        except (OSError, ValueError) as error:  # ValueError: a port that is no number
            text = f"not reachable ({error}); {', '.join(names)} needs it for real data, `nh demo` does not"
            yield Finding(url, None, text)


def _existing_parent(folder: Path) -> Path:
    return folder if folder.exists() else _existing_parent(folder.parent)
