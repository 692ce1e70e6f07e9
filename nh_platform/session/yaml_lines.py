"""YAML in which every value knows its line, so that a mistake in a rulebook or a review is named where it stands.

Contains the line-keeping reader and the translation of pydantic's complaints into `ConfigError`. Add here what every
YAML file that people edit needs. What a rulebook or a review means is not decided here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from nh_platform.session import ConfigError

Location = tuple[str | int, ...]


class _TextDates(yaml.SafeLoader):
    """A safe loader that leaves dates as text: `2022-10-04` in a rulebook is a name of a vintage, not a day."""


_TextDates.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class LinedYaml:
    """A parsed YAML file and the line of each of its values.

    Parameters
    ----------
    file
        Name used in error texts.
    data
        The content as plain dictionaries, lists, text and numbers.
    lines
        Line (from 1) by location; a location is the path of keys and list positions from the top.
    """

    file: str
    data: Any
    lines: dict[Location, int]

    def line(self, location: Location) -> int:
        """Return the line of ``location``, or of the nearest thing around it that the file has."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.lines:
                return self.lines[location[:length]]
        return 1

    def error(self, location: Location, about: str, found: str, action: str) -> ConfigError:
        """Return a `ConfigError` that names file, line and ``about`` (a rule, a review, a key)."""
        where = f"{self.file}:{self.line(location)}"
        return ConfigError(f"{where}, {about}" if about else where, found, action)

    def at(self, location: Iterable[str | int]) -> Any:
        """Return the value at ``location``, or None where the file has none."""
        value = self.data
        for step in location:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value


def read_lined(text: str, file: str) -> LinedYaml:
    """Parse ``text`` and keep the line of every value.

    Raises
    ------
    ConfigError
        If the text is not YAML, or a key stands twice in one mapping (YAML itself would silently keep the last).
    """
    try:
        loader = _TextDates(text)  # looks at every character
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{file}:{line}", f"not text: {error.reason}", "Save the file as UTF-8 text without control characters."
        ) from error
    try:
        node = loader.get_single_node()
        lines: dict[Location, int] = {}
        data = None if node is None else _build(loader, node, (), lines, file)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(
            f"{file}:{line}", f"not valid YAML: {error.problem}", "Correct the indentation or quoting of that line."
        ) from error
    finally:
        loader.dispose()
    return LinedYaml(file, data, lines)


def _build(loader: yaml.SafeLoader, node: yaml.Node, location: Location, lines: dict[Location, int], file: str) -> Any:
    lines[location] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_build(loader, item, (*location, index), lines, file) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        mapping: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise ConfigError(
                    f"{file}:{line}", f"the key {key!r} is not text", 'Put it in quotes, for example "5":.'
                )
            if key in mapping:
                raise ConfigError(f"{file}:{line}", f"the key {key!r} stands twice", "Remove one of the two.")
            mapping[key] = _build(loader, value_node, (*location, key), lines, file)
            lines[(*location, key)] = line
        return mapping
    return loader.construct_object(node, deep=True)


def close_matches(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean a, b?`` for the known words nearest to ``word``, or an empty text."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=3, cutoff=0.5)
    if not near:  # An id that lacks its prefix or its version, for example noise_cutoff for ibl.noise_cutoff@2022-10.
        near = [name for name in names if word and word.lower() in name.lower()][:3]
    return f" Did you mean {', '.join(near)}?" if near else ""


def first_complaint(
    error: ValidationError, source: LinedYaml, model: type[BaseModel], name: Callable[[Location], str]
) -> ConfigError:
    """Turn the first complaint of pydantic into a `ConfigError` with file and line.

    Parameters
    ----------
    error
        What pydantic found.
    source
        The file that was validated.
    model
        Model of the whole file, used to offer the keys that are allowed at the place of the complaint.
    name
        Names what a location is about, for example ``rule noise_cutoff``; may return an empty text.
    """
    # A misspelt key is unknown and leaves the right one missing: naming the misspelling says more.
    complaint = min(
        error.errors(), key=lambda item: (item["type"] != "extra_forbidden", source.line(_steps(item["loc"], source)))
    )
    location = _steps(complaint["loc"], source)
    about = name(complaint["loc"])
    key = str(complaint["loc"][-1]) if complaint["loc"] else ""
    if complaint["type"] == "extra_forbidden":
        allowed = _keys_at(model, complaint["loc"][:-1])
        return source.error(
            location, about, f"unknown key {key!r}", f"Allowed here: {', '.join(allowed)}.{close_matches(key, allowed)}"
        )
    if complaint["type"] == "missing":
        return source.error(location, about, f"{key!r} is missing", _MISSING.get(key, f"Add {key!r}."))
    found = f"{key} is {complaint['input']!r}: {complaint['msg'][0].lower()}{complaint['msg'][1:]}"
    return source.error(location, about, found, _WRONG.get(key, "Correct this value."))


_MISSING = {
    "nan": "State what a value that is not available means for the unit: `nan: fail`, `nan: pass` or `nan: ignore`.",
    "unit": "State the unit of measure of the threshold, for example `unit: Hz`, or `unit: '1'` for a pure number.",
    "why": "Say in a sentence why the rule exists; it is shown to reviewers and in the methods text.",
}

_WRONG = {
    "severity": "Write `severity: warn`. A rule never stops a session: the gate `units_usable` alone is an error.",
}


def _steps(location: tuple[str | int, ...], source: LinedYaml) -> Location:
    """Drop the steps that pydantic adds for unions, which are no part of the file."""
    steps: list[str | int] = []
    for step in location:
        if (*steps, step) in source.lines:
            steps.append(step)
    return tuple(steps)


def _keys_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Return the keys that ``model`` allows at ``location``."""
    current: type[BaseModel] = model
    for step in location:
        if not isinstance(step, str):
            continue
        by_alias = {(field.alias or name): field for name, field in current.model_fields.items()}
        if step in by_alias:
            current = _inner_model(by_alias[step].annotation) or current
    return sorted(field.alias or name for name, field in current.model_fields.items())


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _inner_model(part)
        if found is not None:
            return found
    return None
