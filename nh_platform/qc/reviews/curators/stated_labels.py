"""Labels as a file of another curator or tool states them, before they are matched to units of a session.

Contains the record that every reader of such a file returns, and what ids, names and labels may be. Add here what holds
for every format. Formats are read by `label_tables.py` and `curation_json.py`.
"""

from __future__ import annotations

import hashlib
import re
import stat
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from nh_platform.session import ConfigError

Kind = Literal["category", "categories", "flag", "number"]
"""One of several words; any number of words; yes or no; a number."""
Label = str | bool | float | list[str]

FORMATS = ("phy", "spikeinterface", "bombcell", "unitrefine", "table")
"""Formats of files of labels; ``table`` is any other table with a column of ids."""

LONGEST_FILE_MB = 64
"""The metrics of 2,000 units in bombcell's CSV have 1.5 MB; a curation with splits of long trains has tens."""
_LONGEST_LABEL = 100
_MOST_OPTIONS = 200
_WHOLE = re.compile(r"([+-]?[0-9]+)(\.0*)?")
_NOTHING = frozenset({"", "nan", "none", "null", "na", "<na>"})


@dataclass(frozen=True)
class LabelSet:
    """One question that a curator answers about units, for example ``quality``.

    Parameters
    ----------
    name
        Letters, digits and ``_``.
    kind
        What an answer is.
    options
        The words that may be answers; empty for flags and numbers.
    """

    name: str
    kind: Kind
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatedUnit:
    """What a file says of one unit: its id there, where in the file that stands, and its labels by label set."""

    id: str
    place: str
    labels: Mapping[str, Label]


@dataclass(frozen=True)
class StatedLabels:
    """Everything that a file of labels says.

    Parameters
    ----------
    file
        Name of the file, for texts.
    sha256
        Of its bytes.
    format
        One of `FORMATS`.
    tool, version
        What made it, as far as the file tells; else empty.
    sets
        Its label sets.
    units
        Its units in the order of the file, those without a label too; an id may stand twice.
    n_spikes
        Spikes of units by id, where the file states them.
    """

    file: str
    sha256: str
    format: str
    tool: str
    version: str
    sets: tuple[LabelSet, ...]
    units: tuple[StatedUnit, ...]
    n_spikes: Mapping[str, int] = field(default_factory=dict)


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a file of labels.

    Raises
    ------
    ConfigError
        If there is no such file, it is none, it is empty, it cannot be read, or it is longer than `LONGEST_FILE_MB`.
    """
    try:
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise ConfigError(str(path), "it is no file", "Name one file of labels, for example cluster_group.tsv.")
        if facts.st_size > LONGEST_FILE_MB * 1_000_000:
            found = f"it has {facts.st_size / 1e6:.0f} MB; a file of labels has at most {LONGEST_FILE_MB}"
            raise ConfigError(str(path), found, "Name the file of labels, not of spikes or waveforms.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(str(path), "there is no such file", "Check the path.") from error
    except OSError as error:
        raise ConfigError(str(path), f"it cannot be read: {error.strerror}", "Check who may read it.") from error
    if not content.strip():
        raise ConfigError(str(path), "it is empty", "Save the labels again, and name the file that holds them.")
    return content


def sha256_of(content: bytes) -> str:
    """Return the sha256 of bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def text_of(content: bytes, file: str) -> str:
    """Return bytes as text.

    Raises
    ------
    ConfigError
        If they are no UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte {error.start + 1} is no UTF-8 text"
        raise ConfigError(f"{file}:{line}", found, "Save the file as UTF-8 text.") from error


def id_of(value: object) -> str:
    """Return an id as one text, whether a file has it as number or as text; empty where there is none.

    Examples
    --------
    >>> id_of(1), id_of("1"), id_of(1.0), id_of(" 1.0 "), id_of("u1"), id_of(float("nan"))
    ('1', '1', '1', '1', 'u1', '')
    """
    text = str(value).strip()
    whole = _WHOLE.fullmatch(text)
    if whole:
        return str(int(whole[1])) if len(whole[1]) < 40 else text
    return "" if is_nothing(text) or isinstance(value, bool) else text


def is_nothing(text: str) -> bool:
    """Return whether a cell of a table says that there is no label."""
    return text.strip().lower() in _NOTHING


def set_name(heading: str, file: str) -> str:
    """Return the name of a label set for a heading of a file; what is no letter, digit or ``_`` becomes ``_``.

    Raises
    ------
    ConfigError
        If the heading cannot be a name.

    Examples
    --------
    >>> set_name("putative type", "curation.json")
    'putative_type'
    """
    require_word(heading, file, "the heading")
    name = re.sub(r"[^A-Za-z0-9_]+", "_", heading.strip()).strip("_")
    if not name:
        raise ConfigError(file, f"the heading {heading!r} has no letter or digit", "Rename it in the file.")
    return name


def require_word(text: str, file: str, about: str) -> None:
    """Refuse a label or heading that is no word for pages and terminals.

    Raises
    ------
    ConfigError
        If it holds control characters or markup, or is longer than 100 characters.
    """
    hidden = next((one for one in text if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp")), None)
    if hidden is not None:
        found = f"{about} {text[:_LONGEST_LABEL]!r} holds the control character U+{ord(hidden):04X}"
    elif "<" in text or ">" in text:
        found = f"{about} {text[:_LONGEST_LABEL]!r} holds markup (< or >)"
    elif len(text) > _LONGEST_LABEL:
        found = f"{about} {text[:30]!r}… has {len(text)} characters; {_LONGEST_LABEL} are allowed"
    else:
        return
    raise ConfigError(file, found, "Correct it in the file: labels are shown in tables, pages and terminals.")


def require_few_options(options: Iterable[str], name: str, file: str) -> tuple[str, ...]:
    """Return the different words of a label set, sorted.

    Raises
    ------
    ConfigError
        If there are more than 200: ids, remarks or times are no labels.
    """
    words = tuple(sorted(set(options)))
    if len(words) > _MOST_OPTIONS:
        found = f"{name} has {len(words)} different words; labels have at most {_MOST_OPTIONS}"
        raise ConfigError(file, found, "Choose the columns that hold labels with --column.")
    return words
