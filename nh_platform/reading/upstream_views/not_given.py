"""Names of an upstream library that a store cannot answer: refused by name, with what to do instead.

Contains the attribute that refuses and its error. Add nothing of one library here: each view lists its own names.
"""

from __future__ import annotations

from typing import Any, NoReturn

from nh_platform.session import ConfigError


class NotGiven(ConfigError, AttributeError):
    """An attribute of an upstream class that its view does not have; `hasattr` is False of it."""


class Refused:
    """An attribute or method that a view does not have.

    Parameters
    ----------
    why
        Why the store cannot give it.
    instead
        What a person does instead.

    Examples
    --------
    >>> class View:
    ...     traces = Refused("the store has no raw data", "Read the file.")
    >>> hasattr(View(), "traces")
    False
    """

    def __init__(self, why: str, instead: str) -> None:
        self.why, self.instead = why, instead
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = f"{owner.__name__}.{name}"

    def __get__(self, view: Any, owner: type | None = None) -> NoReturn:
        raise NotGiven(self.name, self.why, self.instead)


def refuse_arguments(method: str, given: dict[str, Any], instead: str) -> None:
    """Refuse arguments of an upstream method that its view does not take.

    Raises
    ------
    ConfigError
        If there are any.
    """
    if given:
        raise ConfigError(f"{method}({', '.join(given)})", "the view does not take that argument", instead)
