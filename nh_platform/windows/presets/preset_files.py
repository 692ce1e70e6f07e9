"""The file of window presets: reading `presets.yaml` and finding a preset in it.

Contains the reader with its errors. Add here what concerns the file as a whole; what a preset can state is
`nh_platform.windows.presets.preset_model`. No preset is written in code.
"""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from nh_platform.session import ConfigError
from nh_platform.windows.presets.preset_model import Preset

DEFAULT_FILE = Path(__file__).with_name("presets.yaml")

_PRESET: TypeAdapter[Preset] = TypeAdapter(Annotated[Preset, Field(discriminator="kind")])


def parse_presets(text: str, origin: str) -> dict[str, Preset]:
    """Read presets by id from YAML ``text``; ``origin`` names it in errors.

    Raises
    ------
    ConfigError
        Naming the file, the line, the preset and the field, for YAML that cannot be read, an unknown key, a window
        that is no whole number of bins, or an id that occurs twice.
    """
    try:
        entries = yaml.safe_load(text)
        nodes = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise ConfigError(origin, f"is not readable as YAML: {error}", "Correct the file.") from error
    if not isinstance(entries, list) or nodes is None:
        raise ConfigError(origin, f"holds {type(entries).__name__}, expected a list of presets", "Start with `- id:`.")
    presets: dict[str, Preset] = {}
    for entry, node in zip(entries, nodes.value):
        preset = _parse_entry(entry, f"{origin}, line {node.start_mark.line + 1}")
        if preset.id in presets:
            raise ConfigError(f"{origin}, preset {preset.id}", "is stated twice", "Give one of them another id.")
        presets[preset.id] = preset
    return presets


def load_presets(path: Path = DEFAULT_FILE) -> dict[str, Preset]:
    """Return every preset of ``path`` by id, in the order of the file.

    Raises
    ------
    ConfigError
        See `parse_presets`; also if the file is missing.
    """
    if not path.is_file():
        raise ConfigError(str(path), "does not exist", "State a file of window presets.")
    return dict(_load_cached(path, path.stat().st_mtime_ns))


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


@cache
def _load_cached(path: Path, _modified: int) -> dict[str, Preset]:
    return parse_presets(path.read_text(encoding="utf-8"), path.name)


def _parse_entry(entry: Any, where: str) -> Preset:
    name = entry.get("id", "without id") if isinstance(entry, dict) else "without id"
    try:
        return _PRESET.validate_python(entry)
    except ValidationError as error:
        found = "; ".join(_explain(problem) for problem in error.errors())
        raise ConfigError(
            f"{where}, preset {name}", found, "Correct the entry; preset_model.py explains the fields."
        ) from None


def _explain(problem: Any) -> str:
    # The first part of the location is the kind that the entry states, which the reader knows already.
    place = ".".join(str(part) for part in problem["loc"] if part not in ("continuous", "aligned"))
    if problem["type"] == "extra_forbidden":
        return f"unknown key {place!r}"
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])
