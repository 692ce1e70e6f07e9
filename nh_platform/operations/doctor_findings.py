"""Findings of `nh doctor`: this machine, the configuration of a home folder, and which servers answer."""

from __future__ import annotations

import os
import platform as machine
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.defs.deployed.server_address import POSTGRES_VARIABLE
from nh_platform.downloads.credentials import credential
from nh_platform.operations.instance import configuration_file, history_is_shared
from nh_platform.operations.opened_home import existing_parent
from nh_platform.session import ConfigError, NhError
from nh_platform.session.display import counted
from nh_platform.session.errors import without_account

if TYPE_CHECKING:
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import PlatformSettings
    from nh_platform.sources.entry import SourceEntry

PACKAGES = ("nh-platform", "dagster", "dagster-webserver", "ONE-api", "iblatlas", "allensdk", "numpy", "h5py", "numba")
CREDENTIALS = ("NH_ONE_URL", "NH_ONE_USERNAME", "NH_ONE_PASSWORD", "NH_ONE_TOKEN")
MIN_FREE_GB = 10
"""An Allen session is 1.7 to 3.3 GB and an IBL one some hundred MB; below this a first session may not fit."""
_DEPLOYED = "nh_platform.defs.deployed"
"""Where the parts for more than one machine stand, whose packages come with the extra ``deploy``."""
ANSWER_WAIT_S = 5.0
"""Longest wait for the answer of a server, its login included."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``ok`` is None where it is only information."""

    about: str
    ok: bool | None
    text: str


def doctor(home: Path | str, *, offline: bool = False) -> list[Finding]:
    """Look at the environment, credentials, disk, versions and servers; secrets are never in the text.

    Parameters
    ----------
    home
        Home folder.
    offline
        Do not try to reach any server.
    """
    from nh_platform.assets.registry import package_problems
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings

    settings = served = platform = refused = None
    try:
        settings = load_settings(Path(home))
        served = settings.entries
        platform = Platform(settings)
    except ConfigError as error:
        refused = Finding("settings", False, str(error))
    findings = [*_environment(), *([refused] if refused else []), *(_home(platform.settings) if platform else [])]
    buckets = _buckets(settings, offline) if settings else {}
    findings += [*buckets.values(), *_credentials()]
    if not offline and (os.environ.get("DAGSTER_HOME") or (settings and history_is_shared())):
        findings += _deployment(settings)
    findings += [Finding(problem.thing, None, f"{problem.found}. {problem.action}") for problem in package_problems()]
    if platform and served and (platform.store.root not in buckets or buckets[platform.store.root].ok):
        findings += _sources(platform, served)
    if settings and served and not offline:
        findings += _servers(settings, served)
    return [replace(one, about=without_account(one.about), text=without_account(one.text)) for one in findings]


def _environment() -> Iterator[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", supported, f"{machine.python_version()} (3.11 to 3.13 are supported)")
    for name in PACKAGES:
        try:
            yield Finding(name, None, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed; run `uv sync`")
    yield Finding("CPU cores", None, str(os.cpu_count()))


def _home(settings: PlatformSettings) -> Iterator[Finding]:
    there = existing_parent(settings.home)
    free = shutil.disk_usage(there).free / 1e9
    yield Finding("home", os.access(there, os.W_OK), f"{settings.home}")
    yield Finding("disk", True if free >= MIN_FREE_GB else None, f"{free:.0f} GB free; a session needs up to 4 GB")
    given = os.environ.get("DAGSTER_HOME")
    own = f"the database of {POSTGRES_VARIABLE}" if history_is_shared() else f"{settings.dagster_home} (embedded)"
    yield Finding("Dagster home", None, given or own)
    used = Path(given) / "dagster.yaml" if given else configuration_file("dagster.yaml")
    yield Finding("dagster.yaml", None, str(used))


def _deployment(settings: PlatformSettings | None) -> Iterator[Finding]:
    """Ask the servers of a Dagster of a person's own: Postgres, Redis, workers, daemon, code server."""
    from nh_platform.operations.instance import open_instance, open_own_instance

    try:
        with open_instance(settings) if settings else open_own_instance() as instance:
            if not instance.run_storage.__class__.__module__.startswith(_DEPLOYED):
                return
            from nh_platform.defs.deployed.server_answers import server_answers

            for one in server_answers(instance):
                yield Finding(one.server, one.ok, one.text)
    except ConfigError as error:
        yield Finding("Dagster's instance", False, f"{error.found}. {error.action}")


def _buckets(settings: PlatformSettings, offline: bool) -> dict[Path, Finding]:
    """Try out the buckets in which store, reviews and raw files of a home lie; nothing of what lies on the disk.

    By the folder that stands for each; by that of the home where a place of raw files is no address that can be.
    """
    from nh_platform.operations.bucket_states import bucket_roots
    from nh_platform.store.objects.address import address_of
    from nh_platform.store.objects.cache_size import cache_bytes, held_bytes
    from nh_platform.store.objects.trial import try_out

    findings: dict[Path, Finding] = {}
    try:
        roots = bucket_roots(settings)
    except ConfigError as error:
        return {settings.home: Finding(error.thing, False, f"{error.found}. {error.action}")}
    for root, what in roots.items():
        about = f"{what} {address_of(root)}"
        if offline:
            findings[root] = Finding(about, None, "not asked; what the sources hold is in it")
            continue
        try:
            held, most = held_bytes(root) / 1e9, cache_bytes() / 1e9
            try_out(address_of(root), ANSWER_WAIT_S)
        except NhError as error:
            findings[root] = Finding(about, False, f"{error.found}. {error.action}")
            continue
        cache = f"{held:.1f} GB of it are held in {root.parent}, and {most:g} GB at most of all that lies in buckets"
        text = f"it can be listed, written and cleared, and keeps conditions; {cache}"
        findings[root] = Finding(about, True, text)
    return findings


def _credentials() -> Iterator[Finding]:
    for name in CREDENTIALS:
        try:
            if name == "NH_ONE_URL":
                yield Finding(name, None, os.environ.get(name) or "not set")
            else:
                there = "set" if os.environ.get(name) else "set by its secret file"
                yield Finding(name, None, there if credential(name) else "not set")
        except NhError as error:
            yield Finding(name, False, f"{error.thing}: {error.found}. {error.action}")


def _sources(platform: Platform, served: Mapping[str, SourceEntry]) -> Iterator[Finding]:
    from nh_platform.planning.versions import SourcePlan

    for name in served:
        try:
            manifest = platform.manifest(name)
            yield Finding(f"source {name}", None, f"{counted(len(manifest.sessions), 'session')} at the last sync")
            for problem in SourcePlan(platform, name).problems:
                yield Finding(problem.thing, None, f"{problem.found}. {problem.action}")
        except NhError as error:
            yield Finding(f"source {name}", None, f"{error.found}. {error.action}")


def _servers(settings: PlatformSettings, served: Mapping[str, SourceEntry]) -> Iterator[Finding]:
    """Ask every server that a source asks, as it is configured, a question of the kind that the source asks."""
    from nh_platform.sources.registry import source_package_named
    from nh_platform.sources.servers import Server, web_server

    asked_by: dict[str, list[str]] = {}
    servers: dict[str, Server] = {}
    for name, entry in served.items():
        try:
            with source_package_named(name, "its servers cannot be told"):
                for one in entry.servers(settings.source(name).read):
                    server = web_server(one) if isinstance(one, str) else one
                    servers.setdefault(server.url, server)
                    asked_by.setdefault(server.url, []).append(name)
        except NhError as error:
            yield Finding(error.thing, None, f"{error.found}. {error.action}")
    for url, names in asked_by.items():
        try:
            with source_package_named(names[0], f"{url} cannot be asked"):
                answer = servers[url].ask(ANSWER_WAIT_S)
        except NhError as error:
            yield Finding(url, None, f"{error.found}. {error.action}")
            continue
        needed = "" if answer.ok else " needs it for real data, `nh demo` does not"
        yield Finding(url, answer.ok, f"{answer.text}{'; ' if needed else ' ('}{', '.join(names)}{needed or ')'}")
