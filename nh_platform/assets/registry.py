"""Registry of the assets: those in this folder and in `on_request`, and those that installed packages bring.

Nothing is listed by hand: a shipped asset is a module in one of the folders with a record `ASSET`. Add here what
finding them needs. What an asset is stands in its own file.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import TypeVar

from nh_platform import assets
from nh_platform.assets import across_sessions, on_request, release_manifest
from nh_platform.assets.record import (
    REVIEWED_INTERVALS,
    REVIEWS,
    SessionAsset,
    SourceAsset,
    Tables,
    upstream_name,
)
from nh_platform.history.identity import GROUPS
from nh_platform.history.released_tables import ASSET as RELEASED_TABLES
from nh_platform.session import ConfigError
from nh_platform.session.installed import Installed, load
from nh_platform.session.tables.across_sessions.training_sets import SET_IMAGES, SET_TABLES, TRAINING_SET
from nh_platform.session.tables.across_sessions.unit_vectors import VECTOR_TABLES
from nh_platform.sources.registry import installed_sources, source_problems

Record = TypeVar("Record", SessionAsset, SourceAsset)

ENTRY_POINTS = "nh_platform.assets"
"""Group of the entry points by which an installed package brings a per-session asset; each names a `SessionAsset`."""


@functools.cache
def all_session_assets() -> dict[str, SessionAsset]:
    """Return every per-session asset by name, in an order in which they can run; those of single sources come last."""
    return in_running_order(_served()[0])


def package_problems() -> tuple[ConfigError, ...]:
    """Return what installed packages bring and the platform cannot serve, each with its package; all else goes on."""
    from nh_platform.embeddings.images.image_encoders import installed_image_encoders
    from nh_platform.embeddings.units.unit_encoding import installed_encoders
    from nh_platform.qc.metrics.definitions.lookup import installed_metrics

    installed = (_installed(), installed_metrics(), installed_encoders(), installed_image_encoders())
    broken = (problem.error for one in installed for problem in one.problems)
    return (*source_problems(), *broken, *_served()[1], *_unknown_extras())


def asset_package(name: str) -> str | None:
    """Return the installed package that brings a per-session asset; None for the platform's own."""
    return _installed().packages.get(name)


def session_assets(source: str, also: Iterable[str] = ()) -> dict[str, SessionAsset]:
    """Return the per-session assets of a source by name, in an order in which they can run.

    A source that no package brings is declared in a home's ``sources.yaml`` and has those of every source.

    Parameters
    ----------
    source
        Name of the source.
    also
        Assets on request that are asked for.
    """
    entry = installed_sources().found.get(source)
    named = {*(() if entry is None else entry.extra_assets), *also}
    kept: dict[str, SessionAsset] = {}
    for name, asset in all_session_assets().items():
        if (asset.of_every_source or name in named) and kept.keys() >= {*asset.inputs}:
            kept[name] = asset
    return in_running_order(_reading_what_is_made(asset, kept) for asset in kept.values())


def _reading_what_is_made(asset: SessionAsset, made: Mapping[str, SessionAsset]) -> SessionAsset:
    """Return an asset that names, among its inputs, those of `inputs_where_made` that are made."""
    also = tuple(name for name in asset.inputs_where_made if name in made)
    return replace(asset, inputs=(*asset.inputs, *also), inputs_where_made=()) if also else asset


@functools.cache
def all_source_assets() -> dict[str, SourceAsset]:
    """Return every asset across sessions by name."""
    return {asset.name: asset for asset in _records(across_sessions, SourceAsset)}


def source_assets(source: str) -> dict[str, SourceAsset]:
    """Return the assets across sessions of a source by name: those whose sessions have what they read."""
    absent = all_session_assets().keys() - session_assets(source).keys()
    entry = installed_sources().found.get(source)
    named = () if entry is None else entry.extra_assets
    return {
        name: asset
        for name, asset in all_source_assets().items()
        if absent.isdisjoint(asset.reads) and (asset.of_every_source or name in named)
    }


def in_running_order(records: Iterable[SessionAsset]) -> dict[str, SessionAsset]:
    """Return assets by name, each behind what it reads: those that every source has first, then by depth and use.

    Raises
    ------
    ConfigError
        If one reads what is not there, or itself.
    """
    by_name = {asset.name: asset for asset in records}
    above = {name: ancestors(by_name, name) for name in by_name}

    def place(asset: SessionAsset) -> tuple[bool, int, int, str]:
        readers = sum(asset.name in names for names in above.values())
        needed = (asset, *(by_name[name] for name in above[asset.name]))
        return not all(one.of_every_source for one in needed), len(above[asset.name]), -readers, asset.name

    return {asset.name: asset for asset in sorted(by_name.values(), key=place)}


def ancestors(by_name: Mapping[str, SessionAsset], name: str) -> frozenset[str]:
    """Return everything that an asset reads, directly or through others."""
    found: set[str] = set()
    waiting = list(by_name[name].inputs)
    while waiting:
        one = waiting.pop()
        if one not in by_name or one == name:
            raise ConfigError(
                f"asset {name}",
                f"it reads {one!r}, which {'is itself' if one == name else 'does not exist'}",
                f"Name inputs of the same session: {', '.join(by_name)}.",
            )
        if one not in found:
            found.add(one)
            waiting += by_name[one].inputs
    return frozenset(found)


def asset_tables() -> dict[str, Tables]:
    """Return the tables by asset: of the manifest and the release, of a session, across sessions, of a training set."""
    of_sessions = {name: asset.tables for name, asset in all_session_assets().items()}
    across = {name: asset.tables for name, asset in all_source_assets().items()}
    of_release = {release_manifest.NAME: release_manifest.TABLES, RELEASED_TABLES: release_manifest.RELEASED}
    of_vectors = ((schema, f"{schema.name}.parquet, of a set with embeddings") for schema in VECTOR_TABLES)
    of_images = (SET_IMAGES, f"{SET_IMAGES.name}.parquet, of a set whose recipe names images")
    of_set = (*((schema, f"{schema.name}.parquet") for schema in SET_TABLES), *of_vectors, of_images)
    training = {TRAINING_SET: of_set}
    return of_release | of_sessions | across | training


def _installed() -> Installed:
    shipped = (record.name for record in _shipped())
    observed = {REVIEWS, REVIEWED_INTERVALS, *map(upstream_name, GROUPS)}
    taken = frozenset({*shipped, *all_source_assets(), release_manifest.NAME, RELEASED_TABLES, *observed})
    return load(ENTRY_POINTS, SessionAsset, taken)


def _served() -> tuple[list[SessionAsset], list[ConfigError]]:
    """Return the shipped assets and those of packages that read what is served, and why the others are left out."""
    installed = _installed()
    served = {record.name: record for record in _shipped()}
    waiting = dict(installed.found)
    while ready := [name for name, asset in waiting.items() if served.keys() >= {*asset.inputs}]:
        served |= {name: waiting.pop(name) for name in ready}
    left_out = [
        ConfigError(
            f"asset {name} of package {installed.packages[name]}",
            f"it reads {', '.join(one for one in asset.inputs if one not in served)}, which is not served or reads it",
            f"Name inputs of the same session: {', '.join(served)}.",
        )
        for name, asset in waiting.items()
    ]
    return list(served.values()), left_out


def _unknown_extras() -> Iterator[ConfigError]:
    """Yield, for every source, that its entry names assets of its own that nobody brings."""
    served = all_session_assets()
    for name, entry in installed_sources().found.items():
        named = {"extra_assets": entry.extra_assets, "assets_on_request": entry.assets_on_request}
        for field, names in named.items():
            if unknown := [one for one in names if one not in served and one not in all_source_assets()]:
                package = installed_sources().packages[name]
                yield ConfigError(
                    f"source {name} of package {package}",
                    f"its {field} name {', '.join(unknown)}, which does not exist or is not served",
                    f"Name per-session assets: {', '.join(served)}.",
                )


@functools.cache
def _shipped() -> tuple[SessionAsset, ...]:
    return tuple(record for folder in (assets, on_request) for record in _records(folder, SessionAsset))


def _records(package: ModuleType, kind: type[Record]) -> list[Record]:
    """Return the records `ASSET` of the modules of a package."""
    names = (f"{package.__name__}.{one.name}" for one in pkgutil.iter_modules(package.__path__))
    found = (getattr(importlib.import_module(name), "ASSET", None) for name in names)
    return [record for record in found if isinstance(record, kind)]
