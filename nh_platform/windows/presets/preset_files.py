"""The file of window presets: reading `presets.yaml` and finding a preset in it.

Contains the reader with its errors. Add here what concerns the file as a whole; what a preset can state is
`nh_platform.windows.presets.preset_model`. No preset is written in code.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from nh_platform.session import ConfigError
from nh_platform.session.validation_errors import checked
from nh_platform.session.yaml_file import Location, YamlFile, parse_yaml, read_text
from nh_platform.windows.presets.preset_model import Preset

DEFAULT_FILE = Path(__file__).with_name("presets.yaml")

_PRESETS = list[Annotated[Preset, Field(discriminator="kind")]]


def parse_presets(text: str, origin: str) -> dict[str, Preset]:
    """Read presets by id from YAML ``text``; ``origin`` names it in errors.

    Raises
    ------
    ConfigError
        Naming the file, the line, the preset and the field, for YAML that cannot be read, an unknown key, a window
        that is no whole number of bins, or an id that occurs twice.
    """
    source = parse_yaml(text, origin)
    presets: dict[str, Preset] = {}
    for index, preset in enumerate(checked(source, _PRESETS, lambda location: _about(source, location))):
        if preset.id in presets:
            raise source.error((index,), f"preset {preset.id}", "it is stated twice", "Give one of them another id.")
        presets[preset.id] = preset
    return presets


def load_presets(path: Path = DEFAULT_FILE) -> dict[str, Preset]:
    """Return every preset of ``path`` by id, in the order of the file.

    Raises
    ------
    ConfigError
        See `parse_presets`; also if the file is missing.
    """
    return dict(_parsed(read_text(path), path.name))


def presets_for(source: str) -> tuple[Preset, ...]:
    """Return the presets of the platform that suit ``source``."""
    return tuple(preset for preset in load_presets().values() if preset.suits(source))


def get_preset(preset_id: str) -> Preset:
    """Return the preset of that id.

    Raises
    ------
    ConfigError
        If there is none, naming the closest ids.
    """
    presets = load_presets()
    if preset_id not in presets:
        close = difflib.get_close_matches(preset_id, presets, n=3, cutoff=0.3) or sorted(presets)
        raise ConfigError(f"window preset {preset_id!r}", "is not known", f"Did you mean {', '.join(close)}?")
    return presets[preset_id]


def _about(source: YamlFile, location: Location) -> tuple[str, Location]:
    return f"preset {source.at((*location[:1], 'id')) or 'without id'}" if location else "", location[1:]


_parsed = cache(parse_presets)
