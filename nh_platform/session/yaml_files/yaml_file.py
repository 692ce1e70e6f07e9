"""YAML files that people edit: read safely, with the line of every value.

Contains the one reader of YAML. Only the plain part of the language is read: mappings with text as keys, lists, text,
numbers, true, false, null and aliases of these. Add here what concerns YAML itself; what a file must hold is said by a
pydantic model and checked by `nh_platform.session.yaml_files.validation_errors`.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from nh_platform.session.errors import ConfigError

Location = tuple[str | int, ...]

LONGEST_FILE_MB = 4
"""A review for each of 20,000 units has 4 MB, and is read in 4 s; the longest file of the platform's own has 16 kB."""
DEEPEST = 32
"""Mappings and lists within each other: files of the platform have 6, and 1,000 exhaust Python's stack."""
MOST_REPEATED = 10_000
"""Values that the aliases of a file repeat: those of the longest rulebook are 27, and 600 bytes can state 10^9."""
_CHARACTERS = 100
"""Of a text count as one more value."""
_LONGEST_NUMBER = 100
_QUOTES = "Text that begins with that sign needs quotes."
_LONGEST_SHOWN = 60
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that YAML does not allow, in a file or written as an escape: NUL, control characters, half characters."""
_KINDS = {bool: "true or false", dict: "a mapping", float: "a number", int: "a number", list: "a list", str: "text"}
# The parser in C, where PyYAML has it: 1 MB of reviews takes 0.2 s instead of 4.
_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Scalars(yaml.SafeLoader):
    """What a plain word means. Dates stay text: `2022-10-04` in a rulebook is a name of a vintage, not a day."""


_Scalars.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if tag.rpartition(":")[2] not in ("timestamp", "merge", "value")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class YamlFile:
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

    def at(self, location: Iterable[str | int], absent: Any = None) -> Any:
        """Return the value at ``location``, or ``absent`` where the file has none."""
        value = self.data
        for step in location:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return absent
        return value


def read_text(path: Path, file: str = "") -> str:
    """Return the text of a file that people edit; ``file`` names it in errors, where not by its path.

    Raises
    ------
    ConfigError
        If there is no such file, or as of `read_optional`.
    """
    text = read_optional(path, file)
    if text is None:
        raise ConfigError(file or str(path), "it cannot be read: there is no such file", "Check the path.")
    return text


def read_optional(path: Path, file: str = "") -> str | None:
    """Return the text of a file that people edit, or None where there is no such file.

    Raises
    ------
    ConfigError
        If it is a folder, cannot be read, is longer than `LONGEST_FILE_MB` or is no UTF-8 text.
    """
    name, longest = file or str(path), LONGEST_FILE_MB * 1_000_000
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe waits for ever
            raise ConfigError(name, "it cannot be read: it is no file", "It must be a file of text.")
        with path.open("rb") as stream:
            content = stream.read(longest + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        found = f"it cannot be read: {error.strerror}"
        raise ConfigError(name, found, "Check the path and who may read the file.") from error
    return text_of(content, name)


def text_of(content: bytes, name: str) -> str:
    """Return bytes that people edit as text; ``name`` says in errors where they stand.

    Raises
    ------
    ConfigError
        If they are longer than `LONGEST_FILE_MB` or no UTF-8 text.
    """
    line = content.count(b"\n") + 1
    if len(content) > LONGEST_FILE_MB * 1_000_000:
        raise ConfigError(f"{name}:{line}", f"it is longer than {LONGEST_FILE_MB} MB", "Divide it, or remove a part.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {error.start + 1} is no UTF-8 text"
        raise ConfigError(f"{name}:{line}", found, "Save the file as UTF-8 text.") from error


def parse_yaml(text: str, file: str) -> YamlFile:
    """Parse ``text`` and keep the line of every value.

    Raises
    ------
    ConfigError
        With file and line, if the text is not YAML or needs more than the plain part of it: a key twice in one mapping
        (YAML itself would silently keep the last), a tag, `DEEPEST` or `MOST_REPEATED` exceeded, a number that is
        written in more than 100 characters or does not fit into 64 bits.
    """
    text = text.removeprefix("\ufeff")
    if unreadable := _UNREADABLE.search(text):
        line = text.count("\n", 0, unreadable.start()) + 1
        found = f"not text: character U+{ord(unreadable[0]):04X} is not allowed"
        raise ConfigError(f"{file}:{line}", found, "Save the file as UTF-8 text without control characters.")
    builder = _Builder(text, file)
    try:
        return YamlFile(file, builder.document(), builder.lines)
    except yaml.MarkedYAMLError as error:
        mark, begin = error.problem_mark or error.context_mark, error.context_mark
        line = mark.line + 1 if mark else builder.line
        tab = re.match(" *\t", "".join(text.splitlines()[line - 1 : line]))
        begun = f", {error.context} from line {begin.line + 1}" if begin and begin.line + 1 != line else ""
        found = "not valid YAML: " + ("the line is indented by a tab" if tab else f"{error.problem}{begun}")
        raise ConfigError(f"{file}:{line}", found, "Correct the indentation or quoting of that line.") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # the last two of escapes, by the parser in Python
        raise ConfigError(f"{file}:{builder.line}", "not valid YAML", "Correct what follows that line.") from error


def shown(value: Any) -> str:
    """Return a value as a person wrote it; of lists and mappings only what they are."""
    if isinstance(value, dict | list) or value is None:
        return kind_of(value)
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…"


def kind_of(value: Any) -> str:
    """Return what a value is, in words."""
    return "empty" if value is None else _KINDS.get(type(value), f"a {type(value).__name__}")


class _Builder:
    """Makes data of the parser's events, one after the other, so that a bomb is refused before it is unfolded."""

    def __init__(self, text: str, file: str) -> None:
        self.events = yaml.parse(text, Loader=_PARSER)
        self.scalars = _Scalars("")
        self.file = file
        self.line = 1
        self.size = self.repeated = 0  # values so far, and those of them that aliases repeat
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.lines: dict[Location, int] = {}

    def document(self) -> Any:
        """Return the content of the one document; None where there is none."""
        self.next()  # the beginning of the stream
        if isinstance(self.next(), yaml.StreamEndEvent):
            return None
        data = self.value(self.next(), ())
        self.next()  # the end of the document
        if not isinstance(self.next(), yaml.StreamEndEvent):
            raise self.refusal("a second document begins", "Remove the line `---`, or what follows it.")
        return data

    def next(self) -> Any:
        event: Any = next(self.events)
        self.line = event.start_mark.line + 1
        if getattr(event, "tag", None):
            raise self.refusal("a tag (!) is not allowed", f"Remove it. {_QUOTES}")
        return event

    def value(self, event: Any, location: Location) -> Any:
        self.lines.setdefault(location, self.line)  # of a value in a mapping: the line of its key
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        before = self.size
        self.size += 1 + len(getattr(event, "value", "")) // _CHARACTERS
        data = self.scalar(event) if isinstance(event, yaml.ScalarEvent) else self.collection(event, location)
        if event.anchor:
            self.anchors[event.anchor] = data, self.size - before
        return data

    def alias(self, event: yaml.AliasEvent) -> Any:
        """Return the value that an alias stands for, not unfolded; its name is not shown, it may be a password."""
        if event.anchor not in self.anchors:
            raise self.refusal("an alias (*) stands for nothing above it", f"Write the value itself. {_QUOTES}")
        data, size = self.anchors[event.anchor]
        self.size += size
        self.repeated += size
        if self.repeated > MOST_REPEATED:
            found = f"aliases (*) repeat more than {MOST_REPEATED:,} values"
            raise self.refusal(found, f"Write the values themselves. {_QUOTES}")
        return data

    def collection(self, event: Any, location: Location) -> Any:
        if len(location) >= DEEPEST:
            found = f"more than {DEEPEST} lists and mappings lie within each other"
            raise self.refusal(found, "No file needs that many: look for brackets that are not closed.")
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            while not isinstance(event := self.next(), yaml.SequenceEndEvent):
                items.append(self.value(event, (*location, len(items))))
            return items
        mapping: dict[str, Any] = {}
        while not isinstance(event := self.next(), yaml.MappingEndEvent):
            key = self.key(event)
            if key in mapping:
                raise self.refusal(f"the key {shown(key)} stands twice", "Remove one of the two.")
            self.lines[(*location, key)] = self.line
            mapping[key] = self.value(self.next(), (*location, key))
        return mapping

    def key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise self.refusal("a list, a mapping or an alias stands for a key", "Write a word.")
        key = self.scalar(event)
        if not isinstance(key, str):
            raise self.refusal(f"the key {event.value or '(empty)'} is not text", 'Put it in quotes, for example "5":.')
        return key

    def scalar(self, event: Any) -> Any:
        if _UNREADABLE.search(event.value):
            raise self.refusal("an escape such as \\0 or \\e stands for a control character", "Remove it.")
        tag = self.scalars.resolve(yaml.ScalarNode, event.value, event.implicit)
        is_number = tag in ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
        if is_number and len(event.value) > _LONGEST_NUMBER:
            raise self.refusal(f"a number of {len(event.value):,} characters", "Put it in quotes, if it is text.")
        try:
            value = self.scalars.yaml_constructors[tag](self.scalars, yaml.ScalarNode(tag, event.value))
        except (ValueError, OverflowError):  # YAML takes 0x_ for a number
            raise self.refusal(f"{event.value} is no number", "Put it in quotes, if it is text.") from None
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise self.refusal(f"{event.value} does not fit into 64 bits", "Put it in quotes, if it is text.")
        return value

    def refusal(self, found: str, action: str) -> ConfigError:
        return ConfigError(f"{self.file}:{self.line}", found, action)
