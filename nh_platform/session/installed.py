"""Entry points of installed packages: each is loaded by itself, a broken one is named.

Contains the loading, for every group of entry points. A group and what it may name belong to the room that serves it
(`nh_platform.sources.registry`); nothing is decided here about what is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, distributions, entry_points
from typing import Any, NamedTuple

from nh_platform.session.errors import ConfigError, NhError

PLATFORM = "nh-platform"
"""The platform's own package, whose names no other package takes."""


CORRECT_PACKAGE = "Correct or uninstall the package."


_GROUPS = "nh_platform."
"""How the names of all groups of entry points begin by which packages bring something."""


class Problem(NamedTuple):
    """An entry point that is not served: its name, and the error that names its package."""

    name: str
    error: ConfigError


class Installed(NamedTuple):
    """Everything of one kind that the packages of this environment bring.

    Parameters
    ----------
    found
        What is served, by its own name: that of the platform first, then in the order of the entry points' names.
    packages
        Package that brought it, by the same name.
    problems
        What cannot be served.
    """

    found: dict[str, Any]
    packages: dict[str, str]
    problems: tuple[Problem, ...]


def others_bring_anything() -> bool:
    """Return whether a package besides the platform's own brings something; loads nothing of what is brought."""
    bringing = (one for one in distributions() if f"[{_GROUPS}" in (one.read_text("entry_points.txt") or ""))
    return any(one.name != PLATFORM for one in bringing)  # names of all 200 packages take 0.2 s


@cache
def extending_packages() -> frozenset[str]:
    """Return the names by which packages that bring something are imported, the platform's own among them.

    Once per process: to read the metadata of all installed packages takes 0.2 s.
    """
    points = entry_points()
    brought = (one for group in points.groups if group.startswith(_GROUPS) for one in points.select(group=group))
    return frozenset(one.module.partition(".")[0] for one in brought)


@cache
def load(group: str, kind: type[Any], taken: frozenset[str] = frozenset()) -> Installed:
    """Load what the entry points of a group name, once per process.

    Parameters
    ----------
    group
        Group of entry points, the platform's name and a plural: ``nh_platform.sources``.
    kind
        Class of what they name; it has a ``name``, and ``names`` where others that it uses may not be used twice.
    taken
        Names that no package may use, because the platform has them without an entry point.
    """
    what = group.rpartition(".")[2].removesuffix("s")
    found: dict[str, Any] = {}
    packages: dict[str, str] = {}
    owners = dict.fromkeys(taken, PLATFORM)
    problems: list[Problem] = []
    points = entry_points(group=group)
    for point in sorted(points, key=lambda one: (_package(one) != PLATFORM, one.name, one.value)):
        try:
            brought = point.load()
            if not isinstance(brought, kind):
                trouble = f"cannot be used: {point.value} is of type {type(brought).__name__} and no {kind.__name__}"
            elif clash := owners.keys() & (names := getattr(brought, "names", (brought.name,))):
                trouble = f"cannot be used: the name {min(clash)!r} is taken already, by {owners[min(clash)]}"
            else:
                found[brought.name], packages[brought.name] = brought, _package(point)
                owners |= dict.fromkeys(names, _package(point))
                continue
        except KeyboardInterrupt:  # of the person at the terminal
            raise
        # The code is a lab's and may raise anything while it is imported (SystemExit: a script without a main guard)
        # or asked for its name; the other packages go on.
        except BaseException as error:  # noqa: BLE001
            trouble = " ".join(f"cannot be loaded: {type(error).__name__}: {error}".split())
        thing = f"{what} {point.name} of package {_package(point)}"
        problems.append(Problem(point.name, ConfigError(thing, trouble, CORRECT_PACKAGE)))
    return Installed(found, packages, tuple(problems))


@contextmanager
def package_named(thing: str, package: str | None, what: str, action: str = CORRECT_PACKAGE) -> Iterator[None]:
    """Name the package where its code raises anything that is no error of ours; the platform's own is not caught.

    Parameters
    ----------
    thing
        What is called: ``encoder mean-count``.
    package
        The installed package that brought it; None for the platform's own, whose traceback says more.
    what
        What was tried, in words that follow the thing: ``it cannot be opened``.
    action
        What a person does next.

    Raises
    ------
    ConfigError
        Naming thing and package.
    """
    try:
        yield
    except NhError:
        raise
    except Exception as error:
        if package is None:
            raise
        found = " ".join(f"{what}: {type(error).__name__}: {error}".split())
        raise ConfigError(f"{thing} of package {package}", found, action) from error


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown"
