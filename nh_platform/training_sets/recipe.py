"""The recipe of a training set: which sessions, units and windows, and how they are divided. Reviewable text, in YAML.

Contains the model and its reader. Add a field here when people choose training data by one more thing. What a recipe
comes to is the matter of `selection` and `division`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from nh_platform.home.platform import Platform
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text
from nh_platform.windows.splits.by_subject import SEED, SPLITS
from nh_platform.windows.splits.time_ranges import GAP_S

FOLDER = "training_sets"
"""Folder of a home in which its recipes lie, each as ``<id>.yaml``."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]

BY_SUBJECT, CAUSAL, BLOCKS, TASK_TIME = "subject", "causal", "blocks", "task-time"
_SHARES = {BY_SUBJECT: (80, 10, 10), CAUSAL: (80, 10, 10), TASK_TIME: (40, 20, 40)}


class SourcePart(BaseModel):
    """What a set takes of one source.

    Parameters
    ----------
    sessions
        Ids of the sessions; every stored one where not stated.
    inclusion
        Rulebook about sessions and insertions: only what it includes. None for no such rule.
    units
        ``good`` for those that pass the active rulebook of the source, reviews included; id of another rulebook that
        judged them; or ``all``.
    regions
        Only units of these regions, by Beryl or Allen acronym; of every region where empty.
    cell_types
        Only units of these types, of any of them where several: ``narrow`` and ``broad`` waveforms, ``optotagged``; of
        every type where empty. A unit whose type is not known is of none.
    min_units
        Fewest units with which a session is used.
    with_set_aside
        Whether sessions that reviewers set aside are used all the same.
    presets
        Window presets; the windows of every session must have been made with them.
    images
        Name of an embedding of stimulus images (`embedding` of the table `image_embeddings`), whose vectors join every
        window; none where empty.
    image_sets
        The image sets of which they join; all that have the embedding where empty.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sessions: tuple[str, ...] | None = None
    inclusion: str | None = None
    units: str = Field(default="good", min_length=1)
    regions: tuple[str, ...] = ()
    cell_types: tuple[Literal["narrow", "broad", "optotagged"], ...] = ()
    min_units: int = Field(default=1, ge=1)
    with_set_aside: bool = False
    presets: tuple[str, ...] = Field(default=("continuous-1s",), min_length=1)
    images: str = ""
    image_sets: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_an_embedding(self) -> Self:
        if self.image_sets and not self.images:
            raise ValueError("image_sets are of use with images, which names their embedding")
        if len(set(self.image_sets)) < len(self.image_sets):
            raise ValueError("image_sets name one twice")
        return self


class SplitRecipe(BaseModel):
    """How sessions, or stretches of them, are divided into what trains, validates and tests.

    Parameters
    ----------
    by
        ``subject``: whole sessions by their animal. ``causal``, ``blocks``, ``task-time``: every session in time
        (`nh_platform.windows.splits.time_ranges`).
    seed
        Of the split by subject and of the subset.
    shares
        Percent of ``train``, ``valid`` and ``test``; 80, 10 and 10 where not stated, 40, 20 and 40 of the task's time.
    gap_s
        Time between two splits of a session.
    folds, fold
        Of ``blocks``: the number of blocks, and which of them tests, from 0. There is no ``valid`` then.
    reserved
        Lists of subjects and sessions that never train: ids of shipped ones or paths from the home folder.
    hold_out_labs, hold_out_regions, hold_out_subjects, hold_out_sessions
        What is kept out besides, by name: of a region every session with a unit there. All sessions of an animal of
        which one is held out are held out with it.
    subset
        Only so many of the training sessions; each size is within every larger one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Literal["subject", "causal", "blocks", "task-time"] = "subject"
    seed: int = SEED
    shares: dict[Literal["train", "valid", "test"], int] | None = None
    gap_s: float = Field(default=GAP_S, ge=0)
    folds: int = Field(default=5, ge=2, le=1000)
    fold: int = Field(default=0, ge=0)
    reserved: tuple[str, ...] = ("brain-wide-bench",)
    hold_out_labs: tuple[str, ...] = ()
    hold_out_regions: tuple[str, ...] = ()
    hold_out_subjects: tuple[str, ...] = ()
    hold_out_sessions: tuple[str, ...] = ()
    subset: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.by == BLOCKS and self.shares is not None:
            raise ValueError("shares are of no use with blocks, which are of equal length")
        if self.by == BLOCKS and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} is none of {self.folds} folds, which count from 0")
        if self.by != BLOCKS and (self.folds, self.fold) != (5, 0):
            raise ValueError(f"folds are of use with blocks alone, and by is {self.by}")
        if self.shares is not None and min(self.shares.values(), default=0) < 0:
            raise ValueError("a share is negative")
        if self.shares is not None and not self.shares.get("train"):
            raise ValueError("shares leave nothing to train")
        if self.shares is not None and sum(self.shares.values()) != 100:
            raise ValueError(f"shares add up to {sum(self.shares.values())} and not to 100")
        return self

    @property
    def percent(self) -> dict[str, int]:
        """Percent by split, train first and test last in whatever order they are stated; without those of 0."""
        stated = {} if self.shares is None else {str(name): percent for name, percent in self.shares.items()}
        known = stated or dict(zip(SPLITS, _SHARES[self.by]))
        return {name: known[name] for name in SPLITS if known.get(name)}


class Recipe(BaseModel):
    """A training set as it is asked for.

    Parameters
    ----------
    id
        Name: small letters, digits and ``-``.
    description
        What it is for.
    sources
        What it takes of each source, by name.
    split
        How that is divided.
    embeddings
        Whether unit embeddings join; the audit refuses those whose reference window has seen what is tested.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    description: str = ""
    sources: dict[str, SourcePart] = Field(min_length=1)
    split: SplitRecipe = SplitRecipe()
    embeddings: bool = False

    @property
    def files(self) -> list[str]:
        """Files of one's own that it names: presets, rulebooks and lists."""
        named = [*self.split.reserved]
        for part in self.sources.values():
            named += [*part.presets, *filter(None, [part.inclusion])]
        return [name for name in named if name.endswith((".yaml", ".yml"))]

    def stated(self) -> dict[str, Any]:
        """Return every field as JSON has it, also those that the file leaves out."""
        stated = self.model_dump(mode="json")
        for part in stated["sources"].values():
            if not part["with_set_aside"]:  # sets that were built before there was the field stay the same sets
                del part["with_set_aside"]
            for name in ("cell_types", "images", "image_sets"):
                if not part[name]:
                    del part[name]
        return stated


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises
    ------
    ConfigError
        If it cannot be read, or is refused; names the file, the line, what was found and what to do.
    """
    source = parse_yaml(read_text(path), str(path))
    name = f"training set {source.at(('id',)) or 'without id'}"
    actions = {"": "docs/training-sets.md lists the fields of a recipe."}
    found: Recipe = checked(source, Recipe, lambda location: (name, location), actions)
    return found


def recipe_ids(home: Path) -> list[str]:
    """Return the ids of the recipes of a home folder, sorted."""
    return sorted(path.stem for path in (home / FOLDER).glob("*.yaml"))


def find_recipe(home: Path, name: str) -> Recipe:
    """Return a recipe of a home folder by its id, or one by the path of its file.

    Raises
    ------
    ConfigError
        If there is none, it is refused, or its file has another name than its id.
    """
    if name.endswith((".yaml", ".yml")):
        return read_recipe(Path(name))
    path, known = home / FOLDER / f"{name}.yaml", recipe_ids(home)
    if name not in known:
        action = f"Write {path}, or name one of: {', '.join(known) or 'none'}.{close_matches(name, known)}"
        raise ConfigError(f"training set {name!r}", f"there is no recipe of that name in {home / FOLDER}", action)
    found = read_recipe(path)
    if found.id != name:
        raise ConfigError(
            str(path), f"its id is {found.id!r}", f"Name the file {found.id}.yaml, or call the set {name}."
        )
    return found


def own_files(platform: Platform, names: Iterable[str]) -> dict[str, str]:
    """Return the text of those names that are files in the home, by path from it."""
    home, found = platform.settings.home.resolve(), {}
    for name in names:
        path = Path(platform.settings.own_file(name))
        if name.endswith((".yaml", ".yml")) and path.is_file() and path.resolve().is_relative_to(home):
            found[path.resolve().relative_to(home).as_posix()] = path.read_text(encoding="utf-8")
    return found
