"""The file of a locked training set: what is needed to make the same set elsewhere, and to know that it is the same.

Contains the record, its writing and reading. Add here what the set depends on and another home may have otherwise. The
bytes that a lock keeps in its own store are the matter of `nh_platform.store.locking.locks`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Self

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from nh_platform.home.platform import Platform
from nh_platform.session import ConfigError
from nh_platform.store.provenance import recorded_packages
from nh_platform.store.sealed import BrokenSeal, seal_json, unseal_json
from nh_platform.training_sets.recipe import Name, Recipe, own_files
from nh_platform.training_sets.training_set import TrainingSet

FORMAT = 1
_UPSTREAM = "upstream/"
"""Begins the names of inputs that are groups of upstream files, in the record of an asset."""


class LockedSource(BaseModel):
    """What a set depends on of one source.

    Parameters
    ----------
    release, catalogue
        Release and identity of the catalogue.
    rulebook, also_rulebooks, presets, also_assets
        Settings of the source that change what is stored of its sessions.
    sessions
        Content version of every group of upstream files, by session of the set.
    reference_window
        Window that units are described from; empty where the set has no embeddings, or locked them before this was
        stated.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str
    catalogue: str
    rulebook: str
    also_rulebooks: tuple[str, ...]
    presets: tuple[str, ...]
    also_assets: tuple[str, ...]
    sessions: dict[str, dict[str, str]]
    reference_window: str = ""


class LockedImages(BaseModel):
    """An embedding of images that a set names, and how it is made.

    Parameters
    ----------
    source, image_set, embedding, key
        Which one, and the identity of its vectors.
    encoder, preprocessing, precision, form, fill
        As the table of the set has them.
    weights_sha256
        Identity of the weights; empty where the encoder has none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str
    image_set: str
    embedding: str
    key: str
    encoder: str
    preprocessing: str
    precision: str
    form: str
    fill: str
    weights_sha256: str


class LockFile(BaseModel):
    """A locked training set.

    Parameters
    ----------
    format
        Version of this file's form.
    id, number, digest
        The set, the number of its version in the home that locked it, and the identity of its content.
    recipe
        Its recipe.
    sources
        What it depends on of each source.
    files
        Text of rulebooks, presets and lists of the home's own that it uses, by path from the home folder.
    versions
        Data version by source, session and asset, joined by ``/``.
    code_versions
        Version of the step that made each asset.
    packages
        Installed versions that can change bytes.
    images
        Embeddings of images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    id: Name
    number: int
    digest: str
    recipe: Recipe
    sources: dict[str, LockedSource]
    files: dict[str, str]
    versions: dict[str, str]
    code_versions: dict[str, str]
    packages: dict[str, str]
    images: tuple[LockedImages, ...] = ()

    @field_validator("files")
    @classmethod
    def _within_the_home(cls, value: dict[str, str]) -> dict[str, str]:
        for name in value:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or path.suffix not in (".yaml", ".yml") or "\\" in name:
                raise ValueError(f"{name!r} is no YAML file of a home folder")
        return value

    @field_validator("versions")
    @classmethod
    def _of_assets(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [name for name in value if name.count("/") != 2]:
            raise ValueError(f"{wrong[0]!r} is no source, session and asset")
        return value

    @model_validator(mode="after")
    def _of_one_set(self) -> Self:
        if self.recipe.id != self.id:
            raise ValueError(f"its recipe is of {self.recipe.id} and not of {self.id}")
        return self

    def write(self, path: Path) -> None:
        """Write the file, sealed with its own hash.

        Raises
        ------
        ConfigError
            If there is a folder of that name, or it cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(seal_json(self.model_dump(mode="json")))
        except OSError as error:
            raise ConfigError(str(path), f"it cannot be written: {error.strerror}", "Name another file.") from error

    @property
    def only(self) -> dict[str, list[str]]:
        """Sessions of the set by source."""
        return {name: sorted(one.sessions) for name, one in self.sources.items()}

    @property
    def only_images(self) -> dict[str, list[str]]:
        """Image sets of the set by source."""
        return {source: [one.image_set for one in self.images if one.source == source] for source in self.sources}


def locked_set(platform: Platform, made: TrainingSet, number: int) -> LockFile:
    """Return the lock of a set as the home has it now.

    Raises
    ------
    UnknownSession
        If the catalogue does not list a session any more.
    """
    versions = made.tables["set_versions"]
    _require_home_files(platform, made)
    names = sorted(set(versions["asset"]))
    sources, files = dict[str, LockedSource](), dict[str, str]()
    for source in made.recipe.sources:
        manifest = platform.manifest(source)
        table = made.tables["set_sessions"]
        ids = table.loc[table["source"] == source, "session_id"]
        sources[source] = LockedSource(
            release=manifest.release,
            catalogue=manifest.version(),
            sessions={one: _groups(platform, source, one, names) for one in ids},
            **source_settings(platform, source) | {"reference_window": _described_from(made, source)},
        )
        used = (sources[source].rulebook, *sources[source].also_rulebooks, *sources[source].presets)
        files |= own_files(platform, used)
    files |= made.header["files"]  # as they were when it was built
    keys = zip(versions["source"], versions["session_id"], versions["asset"])
    return LockFile(
        format=FORMAT,
        id=made.id,
        number=number,
        digest=made.digest,
        recipe=made.recipe,
        sources=sources,
        files=files,
        versions={"/".join(key): one for key, one in zip(keys, versions["data_version"])},
        code_versions=_code_versions(platform, versions),
        packages=recorded_packages(),
        images=tuple(
            LockedImages.model_validate({str(name): row[name] for name in LockedImages.model_fields})
            for row in made.images.to_dict("records")
        ),
    )


def _groups(platform: Platform, source: str, session_id: str, assets: Iterable[str]) -> dict[str, str]:
    """Return the content of the upstream files that the stored assets were made of, by group.

    The catalogue may know newer files by now, of which nothing was made yet.
    """
    found: dict[str, str] = {}
    for asset in assets:
        record = platform.store.provenance(source, session_id, asset)
        inputs = {} if record is None else record.inputs
        found |= {
            name.removeprefix(_UPSTREAM): version for name, version in inputs.items() if name.startswith(_UPSTREAM)
        }
    return found


def _require_home_files(platform: Platform, made: TrainingSet) -> None:
    """Refuse a set whose recipe names files outside of the home: another home could not have them."""
    for name in made.recipe.files:
        path = Path(platform.settings.own_file(name))
        if not path.resolve().is_relative_to(platform.settings.home.resolve()):
            found = f"{path} lies outside of the home folder"
            action = "Move it into the home, name it from there, and build the set again."
            raise ConfigError(f"file {name} of training set {made.id}", found, action)


def source_settings(platform: Platform, source: str) -> dict[str, Any]:
    """Return the settings of a source that change what is stored of its sessions, as its home states them."""
    own, config = platform.settings.source(source), platform.config(source)
    return {
        "rulebook": own.rulebook or config.entry.rulebook,
        "also_rulebooks": tuple(config.entry.also_rulebooks if own.also_rulebooks is None else own.also_rulebooks),
        "presets": tuple(config.entry.presets if own.presets is None else own.presets),
        "also_assets": config.also_assets,
        "reference_window": config.reference_window,
    }


def _described_from(made: TrainingSet, source: str) -> str:
    """Return the reference window of a source that a set says; empty where it says none, or several."""
    of_source = made.header.get("vectors", {}).get("sources", {}).get(source, {})
    windows = list(of_source.get("reference_windows", ()))
    return windows[0] if len(windows) == 1 else ""


def _code_versions(platform: Platform, versions: pd.DataFrame) -> dict[str, str]:
    """Return the version of the step that made each asset of the set, as the record of one session has it."""
    found = {}
    for asset, rows in versions.groupby("asset"):
        source, session_id = rows[["source", "session_id"]].iloc[0]
        record = platform.store.provenance(source, session_id, str(asset))
        found[str(asset)] = "" if record is None else record.code_version
    return found


def read_lock_file(path: Path) -> LockFile:
    """Read the file of a locked set.

    Raises
    ------
    ConfigError
        If there is no such file, it was changed by a byte, or it is of a later form.
    """
    action = "Take the file as `nh train-set lock` wrote it."
    try:
        content = unseal_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(str(path), "there is no such file", "Name the file of a locked set.") from error
    except (BrokenSeal, OSError) as error:
        raise ConfigError(str(path), f"it cannot be read: {error}", action) from error
    if content.get("format") != FORMAT:
        found = f"it is of form {content.get('format')}, and this version reads {FORMAT}"
        raise ConfigError(str(path), found, "Install the version that wrote it, or a later one.")
    try:
        return LockFile.model_validate(content)
    except ValidationError as error:
        raise ConfigError(
            str(path), f"it is not the file of a locked set: {error.errors()[0]['msg']}", action
        ) from error
