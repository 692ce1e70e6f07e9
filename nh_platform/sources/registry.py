"""The sources that the platform serves: one entry each, and nothing else in `defs` names a source.

Add an entry here for a new dataset, beside its folder in `nh_platform.sources` and its rulebook. An installed package
may bring entries of its own (`ENTRY_POINTS`; docs/add-a-source.md). No upstream client is imported until a source is
opened.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from nh_platform.session import ConfigError
from nh_platform.sources.entry import EventFilter, EventTimes, SourceEntry
from nh_platform.sources.setting_errors import first_setting_error
from nh_platform.sources.source import Source

__all__ = ["ENTRY_POINTS", "SOURCES", "SourceEntry", "installed_entries", "source_entry"]

ENTRY_POINTS = "nh_platform.sources"
"""Group of the entry points by which an installed package brings a source; each names a `SourceEntry`."""

Settings = TypeVar("Settings", bound=BaseModel)


def _open_ibl(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.sources.ibl import IblSettings, IblSource
    from nh_platform.sources.ibl.settings import CREDENTIALS, ENVIRONMENT, environment_values

    has_account = any(os.environ.get(name) for name in CREDENTIALS)
    mode = "local" if "root" in read else "remote" if has_account else "public"
    values = {**environment_values(), "mode": mode, **_absolute({"raw_dir": "raw", **read}, home)}
    variables = {name: variable for name, variable in ENVIRONMENT.items() if name not in read}
    return IblSource(_validated(IblSettings, "ibl", values, home, variables))


def _open_allen_vc(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.sources.allen import AllenVcSettings, AllenVisualCodingSource

    values = {"root": "upstream/allen_vc", "cache_dir": "cache/allen_vc", **read}
    return AllenVisualCodingSource(_validated(AllenVcSettings, "allen_vc", _absolute(values, home), home))


def _open_allen_vbn(read: Mapping[str, Any], home: Path) -> Source:
    from nh_platform.sources.allen import AllenVbnSettings, AllenVisualBehaviorSource

    values = {"root": "upstream/allen_vbn", "cache_dir": "cache/allen_vbn", **read}
    return AllenVisualBehaviorSource(_validated(AllenVbnSettings, "allen_vbn", _absolute(values, home), home))


def _ibl_servers(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return Alyx and the bucket of the files, also where a local tree is read: they are where real data come from."""
    from nh_platform.sources.ibl.settings import environment_values

    values = {**environment_values(), **read}
    alyx = str(values.get("url") or "https://openalyx.internationalbrainlab.org")
    bucket = "https://ibl-brain-wide-map-public.s3.amazonaws.com"
    return (alyx, bucket, *([str(values["data_server"])] if values.get("data_server") else []))


def _allen_vc_servers(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the warehouse, where the source is configured to ask it."""
    from nh_platform.sources.allen.sdk import WAREHOUSE

    return (str(read.get("address") or WAREHOUSE),) if read.get("mode") == "warehouse" else ()


def _allen_vbn_servers(read: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the bucket, where the source is configured to fetch from it."""
    from nh_platform.sources.allen.behavior.settings import BUCKET

    if read.get("mode") != "s3":
        return ()
    return (str(read.get("endpoint") or f"https://{read.get('bucket') or BUCKET}.s3.amazonaws.com"),)


def _validated(
    model: type[Settings],
    source: str,
    values: Mapping[str, Any],
    home: Path,
    variables: Mapping[str, str] | None = None,
) -> Settings:
    """Return a source's settings, or say which of them is wrong."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        # Without its cause: pydantic repeats all values there, and some are credentials of the environment.
        raise first_setting_error(error, model, home, (source, "read"), variables=variables) from None


def _absolute(read: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Resolve the folders among a source's settings against the home folder."""
    folders = ("root", "tables", "cache_dir", "raw_dir", "freeze")
    stated = {key for key, value in read.items() if key in folders and value and isinstance(value, str)}
    return {key: home / value if key in stated else value for key, value in read.items()}


_PRESENTATION = EventTimes(
    "presentations", "start_time", (EventFilter(column="stimulus_name", exclude=("spontaneous",)),)
)
"""Spontaneous activity has no onset, so Allen's `spontaneous` rows are none; blank sweeps are, they are the control."""

_SHIPPED: dict[str, SourceEntry] = {
    entry.name: entry
    for entry in (
        SourceEntry(
            name="ibl",
            title="IBL Brain-wide Map",
            description=(
                "Neuropixels recordings of mice in the International Brain Laboratory's decision task: Brain-wide Map "
                "and Reproducible Ephys, read through ONE."
            ),
            open=_open_ibl,
            rulebook="ibl-2022-10",
            also_rulebooks=("ibl-2022-03", "ibl-strict", "nh-common"),
            presets=("continuous-1s-20ms", "stim-aligned-500ms-20ms"),
            upstream_format="alf",
            events={
                "stimulus onset": EventTimes("trials", "stimOn_times"),
                "stimulus offset": EventTimes("trials", "stimOff_times"),
                "go cue": EventTimes("trials", "goCue_times"),
                "first movement": EventTimes("trials", "firstMovement_times"),
                "response": EventTimes("trials", "response_times"),
                "feedback": EventTimes("trials", "feedback_times"),
                "lick": EventTimes("licks", "times"),
            },
            inclusion="ibl-bwm-inclusion",
            servers=_ibl_servers,
        ),
        SourceEntry(
            name="allen_vc",
            title="Allen Visual Coding",
            description=(
                "Neuropixels recordings of the mouse visual system under many visual stimuli, by the Allen Institute, "
                "read from its NWB files."
            ),
            open=_open_allen_vc,
            rulebook="allen-vc-default",
            also_rulebooks=("nh-common",),
            presets=("continuous-1s-20ms", "stim-aligned-500ms-20ms"),
            upstream_format="nwb",
            events={"stimulus onset": _PRESENTATION},
            servers=_allen_vc_servers,
            extra_assets=("stimulus_tensors",),
        ),
        SourceEntry(
            name="allen_vbn",
            title="Allen Visual Behavior",
            description=(
                "Neuropixels recordings of mice that detect changes of images, with trials, licks, rewards, running "
                "and eye tracking, by the Allen Institute, read from its NWB files by release."
            ),
            open=_open_allen_vbn,
            rulebook="allen-vbn-recommended",
            also_rulebooks=("nh-common",),
            presets=("continuous-1s-20ms", "stim-aligned-500ms-20ms"),
            upstream_format="nwb",
            events={
                "stimulus onset": _PRESENTATION,
                "image change": EventTimes(
                    "presentations", "start_time", (EventFilter(column="is_change", minimum=1),)
                ),
                "lick": EventTimes("licks", "times"),
                "reward": EventTimes("rewards", "times"),
            },
            servers=_allen_vbn_servers,
        ),
    )
}


def installed_entries(shipped: Mapping[str, SourceEntry] = _SHIPPED) -> dict[str, SourceEntry]:
    """Return the entries that installed packages bring, by name.

    Raises
    ------
    ConfigError
        If one cannot be loaded, is no `SourceEntry`, or has the name of another source; the text names the package.
    """
    found: dict[str, SourceEntry] = {}
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda one: (one.name, one.value)):
        where = f"entry point {point.name} = {point.value}" + (f" of {point.dist.name}" if point.dist else "")
        entry = _loaded(point, where)
        if entry.name in shipped or entry.name in found:
            raise ConfigError(where, f"there is a source {entry.name!r} already", "Give the source another name.")
        found[entry.name] = entry
    return found


def _loaded(point: EntryPoint, where: str) -> SourceEntry:
    action = f"Correct or uninstall the package; `{ENTRY_POINTS}` names `module:SourceEntry object`."
    try:
        entry = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigError(where, f"it cannot be loaded: {error}", action) from error
    if not isinstance(entry, SourceEntry):
        raise ConfigError(where, f"it is a {type(entry).__name__} and no SourceEntry", action)
    return entry


SOURCES: dict[str, SourceEntry] = _SHIPPED | installed_entries()
"""Every source that is served, by name: those of the platform, then those of installed packages."""


def source_entry(name: str) -> SourceEntry:
    """Return the entry of a source.

    Raises
    ------
    ConfigError
        If there is none; the text lists those there are.
    """
    if name not in SOURCES:
        raise ConfigError(f"source {name!r}", "there is no such source", f"Use one of: {', '.join(SOURCES)}.")
    return SOURCES[name]
