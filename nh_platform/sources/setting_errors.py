"""How a mistake in ``sources.yaml`` is said: the file and line, the key by its dotted path, what is allowed there.

Contains the translation of pydantic's complaints and the refusal of credentials. Add here how another kind of mistake
is worded. Which settings there are is said by the models; no setting is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_file import Location, YamlFile, parse_yaml

SOURCES_FILE = "sources.yaml"
DOCUMENTATION = "See docs/configuration.md."

_SECRET_WORDS = frozenset(
    {"credential", "credentials", "login", "passwd", "password", "pwd", "secret", "token", "user", "username"}
)
_SECRET_PAIRS = ("api_key", "access_key", "private_key")
_WITH_ACCOUNT = re.compile(r"^[a-z][a-z0-9+.-]*://[^/?#]*@", re.IGNORECASE)
_LONGEST_VALUE = 60
_KINDS = {bool: "true or false", dict: "a mapping", float: "a number", int: "a number", list: "a list", str: "text"}
_EXPECTED = {
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
    "dict_type": "keys and values are expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "int_from_float": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_type": "a whole number is expected",
    "list_type": "a list is expected, for example [a, b]",
    "model_type": "keys and values are expected",
    "path_type": "the path of a folder or file is expected",
    "string_type": "text is expected (in quotes, where it looks like a number)",
}
"""What is expected, by the type of pydantic's complaint, where its own words are about Python."""


def read_sources_file(home: Path) -> YamlFile:
    """Read the ``sources.yaml`` of a home folder; an empty one where there is none.

    Raises
    ------
    ConfigError
        If it cannot be read, is not YAML, states a key twice, or does not map names of sources to settings.
    """
    path = home / SOURCES_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return YamlFile(str(path), {}, {})
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is no UTF-8 text"
        raise ConfigError(str(path), found, "Save the file as UTF-8 text.") from error
    except OSError as error:
        raise ConfigError(str(path), f"it cannot be read: {error.strerror}", "It must be a file of text.") from error
    content = parse_yaml(text, str(path))
    if content.data is None:
        return YamlFile(str(path), {}, {})
    if not isinstance(content.data, dict):
        found = f"it holds {_kind(content.data)}, and it must map the names of sources to settings"
        raise content.error((), "", found, DOCUMENTATION)
    return content


def setting_error(home: Path, location: Location, found: str, action: str) -> ConfigError:
    """Return the error of one setting: file, line, dotted key, what was found, what to do.

    Where the file says nothing of the source, the setting came from elsewhere, and the key alone is named.
    """
    content, dotted = read_sources_file(home), ".".join(map(str, location))
    if location[:1] not in content.lines:
        return ConfigError(f"setting {dotted}", found, action)
    return content.error(location, dotted, found, action)


def first_setting_error(
    error: ValidationError,
    model: type[BaseModel],
    home: Path,
    prefix: Location = (),
    *,
    variables: Mapping[str, str] | None = None,
) -> ConfigError:
    """Turn pydantic's first complaint about settings into an error that names the key.

    Parameters
    ----------
    error
        What pydantic found.
    model
        The model at ``prefix``, whose keys are allowed there.
    home
        The home folder with the ``sources.yaml``.
    prefix
        Where in the file the validated values stand.
    variables
        Environment variable by name of setting, for those values that came from the environment.
    """
    # A misspelt key leaves the right one missing: naming the misspelling says more.
    complaint = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
    location: Location = (*prefix, *complaint["loc"])
    key = str(complaint["loc"][-1]) if complaint["loc"] else ""
    if complaint["type"] == "extra_forbidden":
        allowed = sorted(name for name in model.model_fields if not _is_secret(name))
        action = f"Allowed here: {', '.join(allowed)}.{close_matches(key, allowed)}"
        return setting_error(home, location, f"there is no setting {key!r}", action)
    expected = _EXPECTED.get(complaint["type"]) or _plain(complaint["msg"])
    if key in (variables or {}):
        return ConfigError(f"environment variable {(variables or {})[key]}", expected, "Correct it.")
    if complaint["type"] == "value_error":  # of a validator of ours: it names what it found, in one setting or several
        return setting_error(home, location, expected, DOCUMENTATION)
    if complaint["type"] == "missing":
        return setting_error(home, location, f"{key!r} is missing", f"Add it. {DOCUMENTATION}")
    # A whole section may hold anything: of that only the kind is shown.
    show = _kind if complaint["type"] in ("dict_type", "model_type") else _shown
    return setting_error(home, location, f"it is {show(complaint['input'])}, and {expected}", DOCUMENTATION)


def refuse_credentials(content: YamlFile) -> None:
    """Refuse a file with credentials in it; the error names the key and never the value.

    Raises
    ------
    ConfigError
        For the first key that is named like a credential, or address with a user name or password in it.
    """
    for location, value in _walk(content.data, ()):
        dotted = ".".join(map(str, location))
        key = location[-1]
        if isinstance(key, str) and _is_secret(key):
            variable = f"NH_ONE_{key.upper()}" if key in ("username", "password", "token") else ""
            action = f"Remove it and set {variable}." if variable else "Remove it; set an environment variable."
            raise content.error(location, dotted, "credentials are not read from files", action)
        if isinstance(value, str) and _WITH_ACCOUNT.match(value):
            raise content.error(
                location,
                dotted,
                "the address has a user name or password in it, and credentials are not read from files",
                "Write the address without them; docs/configuration.md names the environment variables.",
            )


def _walk(value: Any, location: Location) -> Iterator[tuple[Location, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*location, key), inner
        yield from _walk(inner, (*location, key))


def _is_secret(key: str) -> bool:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower().replace("-", "_")
    return not _SECRET_WORDS.isdisjoint(words.split("_")) or any(pair in words for pair in _SECRET_PAIRS)


def _plain(message: str) -> str:
    """Return pydantic's words without its own vocabulary, beginning in lower case."""
    text = re.sub(r"^(Value error, |Assertion failed, )", "", message)
    text = re.sub(r"^(Input|String) should (be|have|match) ", r"it should \2 ", text)
    return text[:1].lower() + text[1:] if not text[:1].isupper() or text[1:2].islower() else text


def _shown(value: Any) -> str:
    """Return what was found as a person wrote it; of lists and mappings only what they are."""
    if isinstance(value, dict | list) or value is None:
        return _kind(value)
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _kind(value: Any) -> str:
    return "empty" if value is None else _KINDS.get(type(value), f"a {type(value).__name__}")
