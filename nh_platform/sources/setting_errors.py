"""Errors of ``sources.yaml``: the file and line, the key by its dotted path, what is allowed there.

Contains the reader of the file, what of a mistake is particular to it, and the refusal of credentials. How a mistake is
worded is `nh_platform.session.yaml_files.validation_errors`; which settings there are is said by the models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from nh_platform.session import ConfigError
from nh_platform.session.errors import without_account
from nh_platform.session.yaml_files.validation_errors import dotted, first_mistake, is_credential
from nh_platform.session.yaml_files.yaml_file import Location, YamlFile, kind_of, parse_yaml, read_optional

SOURCES_FILE = "sources.yaml"
DOCUMENTATION = "See docs/configuration.md."


def read_sources_file(home: Path) -> YamlFile:
    """Read the ``sources.yaml`` of a home folder; an empty one where there is none.

    Raises
    ------
    ConfigError
        If it cannot be read, is not YAML, states a key twice, or does not map names of sources to settings.
    """
    path = home / SOURCES_FILE
    content = parse_yaml(read_optional(path) or "", str(path))
    if content.data is None:
        return YamlFile(str(path), {}, {})
    if not isinstance(content.data, dict):
        found = f"it holds {kind_of(content.data)}, and it must map the names of sources to settings"
        raise content.error((), "", found, DOCUMENTATION)
    return content


def setting_error(home: Path, location: Location, found: str, action: str) -> ConfigError:
    """Return the error of one setting: file, line, dotted key, what was found, what to do.

    Where the file says nothing of the source, the setting came from elsewhere, and the key alone is named.
    """
    content, key = read_sources_file(home), dotted(location)
    if location[:1] not in content.lines:
        return ConfigError(f"setting {key}", found, action)
    return content.error(location, key, found, action)


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
    mistake = first_mistake(error, read_sources_file(home), model, prefix)
    variable = (variables or {}).get(str(mistake.location[-1]) if mistake.location else "")
    if variable is not None:
        return ConfigError(f"environment variable {variable}", mistake.expected or mistake.found, "Correct it.")
    return setting_error(home, mistake.location, mistake.words, f"{mistake.action} {DOCUMENTATION}".strip())


def refuse_credentials(content: YamlFile) -> None:
    """Refuse a file with credentials in it; the error names the key and never the value.

    Raises
    ------
    ConfigError
        For the first key that is named like a credential, or address with a user name or password in it.
    """
    for location, value in _keys_and_values(content.data, ()):
        key = location[-1]
        if isinstance(key, str) and is_credential(key):
            variable = f"NH_ONE_{key.upper()}" if key in ("username", "password", "token") else ""
            action = f"Remove it and set {variable}." if variable else "Remove it; set an environment variable."
            raise content.error(location, dotted(location), "credentials are not read from files", action)
        if isinstance(value, str) and without_account(value) != value:
            raise content.error(
                location,
                dotted(location),
                "the address has a user name or password in it, and credentials are not read from files",
                "Write the address without them; docs/configuration.md names the environment variables.",
            )


def _keys_and_values(value: Any, location: Location) -> Iterator[tuple[Location, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*location, key), inner
        yield from _keys_and_values(inner, (*location, key))
