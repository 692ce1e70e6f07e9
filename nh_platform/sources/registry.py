"""The sources that every home serves: the platform's own and those of installed packages, found in the same way.

Contains the look-up by name. A source joins by an entry point (docs/add-a-source.md), the platform's own by those of
`pyproject.toml`; nothing is added here. Entries are loaded when one is first asked for. What a home serves besides, by
its ``sources.yaml``, is `nh_platform.home.settings.PlatformSettings.entries`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from nh_platform.session import ConfigError
from nh_platform.session.installed import PLATFORM, Installed, load, package_named
from nh_platform.sources.entry import SourceEntry

ENTRY_POINTS = "nh_platform.sources"
"""Group of the entry points by which an installed package brings a source; each names a `SourceEntry`."""


def sources() -> dict[str, SourceEntry]:
    """Return every source that is served, by name and in the order of lists and pages.

    Raises
    ------
    ConfigError
        If not even the platform's own are found.
    """
    installed = installed_sources()
    if PLATFORM not in installed.packages.values():
        raise ConfigError(
            f"package {PLATFORM}",
            f"its installed metadata names no entry point of the group {ENTRY_POINTS}; they are older than the code",
            "Install it again: `uv sync`, or `pip install` with the folder of the checkout.",
        )
    return dict(sorted(installed.found.items(), key=lambda item: item[1].order))


def source_names() -> tuple[str, ...]:
    """Return the names of `sources`."""
    return tuple(sources())


def source_entry(name: str) -> SourceEntry:
    """Return the entry of a source.

    Raises
    ------
    ConfigError
        If there is none; the text lists those there are, or names the package that should bring it and cannot.
    """
    served = sources()
    if name not in served:
        raise broken_source(name) or no_such_source(name, served)
    return served[name]


def no_such_source(name: str, served: Iterable[str]) -> ConfigError:
    """Return the error that nothing of that name is served; it lists what is."""
    return ConfigError(f"source {name!r}", "there is no such source", f"Use one of: {', '.join(served)}.")


def short_title(name: str) -> str:
    """Return what the sessions of a source are called in a sentence; the name itself where it is not served here."""
    entry = sources().get(name)
    return name if entry is None else entry.short_title or entry.title


def source_problems() -> tuple[ConfigError, ...]:
    """Return what installed packages bring and the platform cannot serve, each with its package; all else goes on."""
    return tuple(problem.error for problem in installed_sources().problems)


def broken_source(name: str) -> ConfigError | None:
    """Return why a source that a package should bring is not served; None where nothing is wrong."""
    installed = installed_sources()
    wrong = (problem.error for problem in installed.problems if problem.name == name and name not in installed.found)
    return next((ConfigError(error.thing, error.found, error.action) for error in wrong), None)


def lab_package(source: str) -> str | None:
    """Return the installed package that brings a source; None for the platform's own."""
    package = installed_sources().packages.get(source, PLATFORM)
    return None if package == PLATFORM else package


def source_package_named(source: str, what: str) -> AbstractContextManager[None]:
    """Name the package where its source raises anything that is no error of ours, as of `package_named`."""
    action = "Correct the package or its settings in sources.yaml."
    return package_named(f"source {source}", lab_package(source), what, action)


def installed_sources() -> Installed:
    """Return the sources of the platform and those of installed packages, with what cannot be served."""
    return load(ENTRY_POINTS, SourceEntry)
