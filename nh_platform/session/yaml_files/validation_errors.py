"""Validation of a file against a pydantic model; the first mistake is said by file, line and key.

Contains the one translation of pydantic's complaints. Add here how another kind of complaint is worded. What a file may
state is said by its model; reading it is `nh_platform.session.yaml_files.yaml_file`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from nh_platform.session.errors import close_matches, without_account
from nh_platform.session.yaml_files.yaml_file import Location, YamlFile, kind_of, shown

T = TypeVar("T")

_ABSENT = object()
_MOST_COMPLAINTS = 1_000  # a list of 500,000 wrong items has as many
_SECRET_WORDS = frozenset(
    {"credential", "credentials", "login", "passwd", "password", "pwd", "secret", "token", "user", "username"}
)
_SECRET_PAIRS = ("api_key", "access_key", "private_key")
_SECTIONS = ("dict_type", "model_type", "model_attributes_type")
_EXPECTED = {
    "bool": "true or false is expected",
    "date": "a date is expected, for example 2026-01-31",
    "dict": "keys and values are expected",
    "float": "a number is expected",
    "int": "a whole number is expected",
    "list": "a list is expected, for example [a, b]",
    "model": "keys and values are expected",
    "path": "the path of a folder or file is expected",
    "string": "text is expected (in quotes, where it looks like a number)",
    "tuple": "a list is expected, for example [a, b]",
}
_OF_ANOTHER_TYPE = re.compile("([a-z]+)_(type|attributes_type|parsing|from_float|from_datetime_[a-z]+)")
"""Pydantic's types of the complaint that a value is of another type; its own words are about Python."""


@dataclass(frozen=True)
class Mistake:
    """The first mistake that pydantic found.

    Parameters
    ----------
    location
        Where in the file, the key itself included.
    found
        What was found there; empty where ``expected`` says it.
    expected
        What should be there; empty where ``found`` says all.
    action
        What to do; empty where only the caller knows.
    """

    location: Location
    found: str
    expected: str = ""
    action: str = ""

    @property
    def words(self) -> str:
        """What was found, and what is expected."""
        return ", and ".join(part for part in (self.found, self.expected) if part)


def _unnamed(location: Location) -> tuple[str, Location]:
    return "", location


def checked(
    source: YamlFile,
    shape: type[T],
    about: Callable[[Location], tuple[str, Location]] = _unnamed,
    actions: Mapping[str, str] = MappingProxyType({}),
) -> T:
    """Return the content of a file as the ``shape`` that it must have.

    Parameters
    ----------
    source
        The file.
    shape
        A model, or a list or mapping of models.
    about
        Splits a location into the name of what it is within, for example ``rule noise_cutoff``, and what is left of it.
    actions
        What to do about a key that is wrong or missing, by name of the key; by an empty name for the whole file.

    Raises
    ------
    ConfigError
        For the first mistake, with file, line and key.
    """
    try:
        return TypeAdapter(shape).validate_python(source.data)
    except ValidationError as error:
        mistake = first_mistake(error, source, shape, actions=actions)
    name, rest = about(mistake.location)
    action = mistake.action or "Correct this value."
    raise source.error(mistake.location, ", ".join(filter(None, (name, dotted(rest)))), mistake.words, action)


def first_mistake(
    error: ValidationError,
    source: YamlFile,
    shape: Any,
    prefix: Location = (),
    actions: Mapping[str, str] = MappingProxyType({}),
) -> Mistake:
    """Return the first mistake of a file, from the top; no credential is in its words.

    Parameters
    ----------
    error
        What pydantic found.
    source
        The file that was validated, which gives the order; what it does not hold comes from elsewhere.
    shape
        What stands at ``prefix``: a model, or a list or mapping of models.
    prefix
        Where in the file the validated values stand.
    actions
        As of `checked`.
    """
    complaints = error.errors(include_url=False)[:_MOST_COMPLAINTS]
    placed = [(complaint, *_place(complaint, source, shape, prefix)) for complaint in complaints]
    # A misspelt key is unknown and leaves the right one missing: naming the misspelling says more.
    _, first, _ = min(placed, key=lambda item: (item[0]["type"] != "extra_forbidden", source.line(item[1])))
    # Where several types are allowed, each complains; of those the one that fits best is wrong deepest within.
    within = [item for item in placed if item[1][: len(first)] == first]
    complaint, location, allowed = max(within, key=lambda item: len(item[1]))
    key = str(location[-1]) if location else ""
    if complaint["type"] == "extra_forbidden":
        action = f"Allowed here: {', '.join(allowed)}.{close_matches(key, allowed)}"
        return Mistake(location, f"unknown key {shown(key)}", action=action)
    if complaint["type"] == "missing" and isinstance(complaint["loc"][-1], int):
        return Mistake(location, "it has too few values")
    if complaint["type"] in ("missing", "union_tag_not_found"):
        return Mistake(location, f"{key!r} is missing", action=actions.get(key, "Add it."))
    if complaint["type"] == "value_error":  # of a validator of ours: it names what it found, in one value or several
        return Mistake(location, "", _plain(complaint))
    found = complaint["input"]
    if complaint["type"] == "union_tag_invalid":
        found = found[key]
    # A whole section may hold anything, and what a credential holds is not shown: of these only the kind is.
    show = kind_of if complaint["type"] in _SECTIONS or any(map(is_credential, map(str, location))) else shown
    alike = [item[0] for item in within if item[1] == location]
    expected = ", or ".join(dict.fromkeys(_plain(item) for item in alike))
    return Mistake(location, f"it is {show(found)}", expected, actions.get(key, ""))


def dotted(location: Location) -> str:
    """Return a location as it is written in errors: keys and positions joined by dots."""
    return ".".join(map(str, location))


def is_credential(key: str) -> bool:
    """Return whether a key is named like something that is never read from files and never shown."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("-", "_")
    return not _SECRET_WORDS.isdisjoint(words.split("_")) or any(pair in words for pair in _SECRET_PAIRS)


def _place(complaint: Any, source: YamlFile, shape: Any, prefix: Location) -> tuple[Location, list[str]]:
    """Return where a complaint is in the file, and the keys that are allowed there.

    Pydantic's own location also holds the names of the types that a value might have, which are no part of the file.
    """
    steps: tuple[str | int, ...] = complaint["loc"]
    if complaint["type"].startswith("union_tag"):
        steps += (complaint["ctx"]["discriminator"].strip("'"),)
    location, models = prefix, _models(shape)
    for index, step in enumerate(steps, 1):
        fields = _fields(models)
        unknown = index == len(steps) and complaint["type"] == "extra_forbidden"
        if step in fields:
            models = _models(fields[str(step)])
        elif not unknown and source.at((*location, step), _ABSENT) is _ABSENT:
            models = [model for model in models if step in _names(model)] or models
            continue
        location += (step,)
    return location, sorted(name for name in _fields(models) if not is_credential(name))


def _fields(models: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the types of the keys of several models."""
    return {field.alias or name: field.annotation for model in models for name, field in model.model_fields.items()}


def _models(shape: Any) -> list[type[BaseModel]]:
    """Return the models that a type is made of."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return [shape]
    return [model for part in get_args(shape) for model in _models(part)]


def _names(model: type[BaseModel]) -> set[str]:
    """Return how pydantic names a model among several: by its class, or by the word that tells them apart."""
    return {model.__name__, *(word for kind in _fields([model]).values() for word in get_args(kind))}


def _plain(complaint: Any) -> str:
    """Return pydantic's words without its own vocabulary and without an account, beginning in lower case."""
    of_another = _OF_ANOTHER_TYPE.fullmatch(complaint["type"])
    if of_another and of_another[1] in _EXPECTED:
        return _EXPECTED[of_another[1]]
    if complaint["type"] == "union_tag_invalid":
        return f"it should be one of {complaint['ctx']['expected_tags']}"
    text = re.sub(r"^(Value error, |Assertion failed, )", "", complaint["msg"])
    text = re.sub(r"^\w+ should (be|have|match) ", r"it should \1 ", text)
    text = without_account(text)
    return text[:1].lower() + text[1:] if not text[:1].isupper() or text[1:2].islower() else text
