"""The look-up and the reader of window presets: shipped ones by id, those of your own by path.

Add here what concerns the file of a preset; what it can state is `nh_platform.windows.presets.preset_model`. No preset
is written in code.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.shipped_ids import ids_in
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text
from nh_platform.windows.presets.preset_model import AlignedPreset, ContinuousPreset, Preset, PresetFamily

PRESET_DIR = Path(__file__).with_name("shipped")

_log = logging.getLogger(__name__)

_PRESET: Any = Annotated[ContinuousPreset | AlignedPreset | PresetFamily, Field(discriminator="kind")]


def preset_ids() -> list[str]:
    """Return the ids of the shipped presets, sorted."""
    return ids_in(PRESET_DIR)


def load_presets(names: Iterable[str]) -> tuple[Preset, ...]:
    """Return several presets in the order given, each by id or path; a family stands for its members.

    Raises
    ------
    ConfigError
        As `load_preset`; also where two of them have the same id.
    """
    found: dict[str, Preset] = {}
    for name in names:
        stated = named_preset(name)
        for preset in _members(stated) if isinstance(stated, PresetFamily) else (stated,):
            if preset.id in found:
                raise ConfigError(
                    f"window preset {name}",
                    f"its id {preset.id!r} is named twice",
                    "Leave one out or give it another id.",
                )
            found[preset.id] = preset
    return tuple(found.values())


def load_preset(name: str | Path) -> Preset:
    """Return a shipped preset by id, or a preset of your own by path of its YAML file.

    Raises
    ------
    ConfigError
        If there is no such preset (close matches offered), it is a family of several, or it is refused; names file,
        line, what was found and what to do.
    """
    preset = named_preset(name)
    if isinstance(preset, PresetFamily):
        members = ", ".join(preset.members)
        raise ConfigError(f"window preset {name}", f"it is several presets: {members}", "Name one of them.")
    return preset


def renamed(preset_id: str) -> str:
    """Return the id that a preset has today; ids that are no earlier ones stay as they are."""
    return _earlier_ids().get(preset_id, preset_id)


def named_preset(name: str | Path) -> Preset | PresetFamily:
    """Return a preset as `load_preset`, or a family of presets by its id.

    Raises
    ------
    ConfigError
        As `load_preset`.
    """
    path, known = Path(name), preset_ids()
    stated = renamed(str(name))
    if stated in known:
        if stated != str(name):
            _log.warning("window preset %s is called %s now; it is read all the same", name, stated)
        return _shipped(stated)
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"window preset {str(name)!r}",
            f"unknown; there are {', '.join(known)}",
            f"Name one of them or the path of a YAML file.{close_matches(str(name), known)}",
        )
    preset = _parsed(read_text(path), str(path))
    today = renamed(preset.id)
    if today in known and preset.stated != _shipped(today).stated:
        raise ConfigError(
            f"window preset {path}",
            f"its id is that of the shipped {preset.id!r}, and its windows are others",
            "Give it an id of its own: windows are stored under the id.",
        )
    return preset


def _members(family: PresetFamily) -> tuple[Preset, ...]:
    return tuple(load_preset(member) for member in family.members)


@cache
def _earlier_ids() -> dict[str, str]:
    return {alias: preset_id for preset_id in preset_ids() for alias in _shipped(preset_id).aliases}


@cache
def _shipped(preset_id: str) -> Preset | PresetFamily:
    path = PRESET_DIR / f"{preset_id}.yaml"
    preset = parse_preset(read_text(path), path.name)
    if preset.id != preset_id:
        raise ConfigError(f"{path.name}:1", f"its id is {preset.id!r}", "Name the file after the id.")
    return preset


def parse_preset(text: str, file: str) -> Preset | PresetFamily:
    """Parse and check the YAML ``text`` of a preset; ``file`` names it in errors.

    Raises
    ------
    ConfigError
        For the first mistake from the top, with its line: not YAML, an unknown or missing key, a window that is no
        whole number of bins.
    """
    source = parse_yaml(text, file)
    name = f"preset {source.at(('id',)) or 'without id'}"
    actions = {"": "Start from a preset of docs/presets.md."}
    preset: Preset | PresetFamily = checked(source, _PRESET, lambda location: (name, location), actions)
    return preset


_parsed = lru_cache(maxsize=32)(parse_preset)
"""A sensor asks for the presets once per session, and reads their YAML once."""
