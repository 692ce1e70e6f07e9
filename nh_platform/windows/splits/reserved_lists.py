"""Lists of subjects and sessions that never train: those that a public benchmark or a zero-shot set is scored on.

Contains the model and the reader; a list is reviewed text of `reserved/`, or a YAML file of your own. Add a list there
when models of these data are compared on it: trained on one of its animals, a model has a score that means nothing.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text

FOLDER = Path(__file__).with_name("reserved")


class ReservedList(BaseModel):
    """Subjects and sessions of a source that never train.

    Parameters
    ----------
    id, version
        Name and whole-number version.
    source
        Source that they are of.
    subjects, sessions
        Subjects with every session of theirs, in every release, and single sessions.
    description, why, references
        What it is, why it is kept out, where it comes from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    version: int = Field(ge=1)
    source: str = Field(min_length=1)
    subjects: tuple[str, ...] = Field(min_length=1)
    sessions: tuple[str, ...] = ()
    description: str = Field(min_length=1)
    why: str = Field(min_length=1)
    references: tuple[str, ...] = ()

    def of_sessions(self, sessions: pd.DataFrame) -> pd.Series:
        """Return which rows of a table with ``session_id`` and ``subject`` the list names, of whatever source.

        An animal that another source has too, such as a copy of its files, is the same animal.
        """
        return sessions["subject"].astype(str).isin(self.subjects) | sessions["session_id"].isin(self.sessions)


def reserved_ids() -> list[str]:
    """Return the ids of the shipped lists, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_reserved(name: str | Path) -> ReservedList:
    """Return a shipped list by id, or one of your own by path of its YAML file.

    Raises
    ------
    ConfigError
        If there is no such list (close ones offered) or it is refused; names file, line, what was found and what to do.
    """
    path, known = Path(name), reserved_ids()
    if str(name) in known:
        return _shipped(str(name))
    if path.suffix not in (".yaml", ".yml"):
        raise ConfigError(
            f"reserved list {str(name)!r}",
            f"unknown; there are {', '.join(known)}",
            f"Name one of them or the path of a YAML file.{close_matches(str(name), known)}",
        )
    return _parsed(read_text(path), str(path))


@cache
def _shipped(list_id: str) -> ReservedList:
    path = FOLDER / f"{list_id}.yaml"
    return _parsed(read_text(path), path.name)


def _parsed(text: str, file: str) -> ReservedList:
    source = parse_yaml(text, file)
    name = f"reserved list {source.at(('id',)) or 'without id'}"
    actions = {"": "Start from a list of docs/splits.md."}
    found: ReservedList = checked(source, ReservedList, lambda location: (name, location), actions)
    return found
