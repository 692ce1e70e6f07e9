"""Text of YAML files that the platform writes for people to read and change.

Contains the one writer of YAML. What it writes is read by `yaml_file.py`, value for value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_ESCAPED = re.compile("[\x85\u2028\u2029]|(?:^|\n)\n\\Z")
"""Line breaks of Unicode, which YAML would fold, and an empty line at the end, after which PyYAML ends the document."""
_WIDEST = 1_000_000
"""No text is broken into lines where it has none: a diff then shows a sentence whole."""


def to_yaml(content: Mapping[str, Any], *, inline: bool = False) -> str:
    """Return keys and values as YAML in their order.

    Parameters
    ----------
    content
        Text, numbers, days, true, false, null, and lists and mappings of these.
    inline
        Put lists and mappings of plain values on one line, for short ones.

    Examples
    --------
    >>> print(to_yaml({"interval": [1.5, 2.0], "reason": "noise"}, inline=True))
    interval: [1.5, 2.0]
    reason: noise
    <BLANKLINE>
    """
    parts = (_dumped({key: value}, inline and isinstance(value, list | dict)) for key, value in content.items())
    return "".join(parts) or "{}\n"


class _Text(yaml.SafeDumper):
    """Writes text of several lines as such, and never refers to a value by an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represented(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = '"' if _ESCAPED.search(value) else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Text.add_representer(str, _represented)


def _dumped(one: Mapping[str, Any], inline: bool) -> str:
    # PyYAML puts what holds plain values alone in brackets where the style is None; the key itself is to stand outside.
    style = None if inline else False
    return str(
        yaml.dump(dict(one), Dumper=_Text, sort_keys=False, allow_unicode=True, width=_WIDEST, default_flow_style=style)
    )
