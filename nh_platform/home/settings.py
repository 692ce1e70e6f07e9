"""Settings of a home folder: where data are kept and each source is read from; one folder, one optional file.

The *home* is the folder that holds everything (``NH_HOME``, default ``data``): ``store/`` (assets, unless ``NH_STORE``
names another folder or the address of a bucket), ``dagster/`` (run
history), ``reviews/`` (unless ``NH_REVIEWS`` names another folder or bucket, or the store lies in one) and, where a
person wants other than the defaults, ``sources.yaml``. Credentials come from the environment alone.

Add a setting here when a person must be able to change it without touching code. What a source's own settings mean
belongs to that source.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nh_platform.home.folder import HOME_VARIABLE, home_folder
from nh_platform.home.restoring import require_restored
from nh_platform.home.standing_folders import require_folder
from nh_platform.home.stores import stated_store
from nh_platform.session import ConfigError
from nh_platform.session.display import counted
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.own.kinds import Kind, declared_entry
from nh_platform.sources.registry import broken_source, no_such_source, sources
from nh_platform.sources.setting_errors import (
    first_setting_error,
    read_sources_file,
    refuse_credentials,
    setting_error,
)
from nh_platform.store.names import REVIEWS
from nh_platform.store.objects.address import (
    REVIEWS_VARIABLE,
    is_address,
    is_in_bucket,
    local_root,
    parse_address,
    shown,
)

UI_VARIABLE = "NH_UI_ADDRESS"
DEFAULT_UI = "http://127.0.0.1:3000"
"""Where `nh ui` serves Dagster's pages unless told otherwise."""


def _nothing_stated(value: object) -> object:
    """Read a key without a value as one whose settings are all left out."""
    return {} if value is None else value


class SourceSettings(BaseModel):
    """Settings of one source in ``sources.yaml``.

    ``kind`` declares a source of a person's own files, of one of the layouts that need no code (docs/own-data.md);
    ``read`` is handed to the source itself; ``rulebook`` is the active one, whose rules run as asset checks;
    ``also_rulebooks`` are columns and reports; ``presets`` are the window presets that `windows` holds, by id or path;
    ``published`` is the release of its `published_counts.yaml` to reconcile with; ``stimulus_modes`` are the ways in
    which `stimulus_tensors` are made; ``reference_window`` is the stretch that `unit_embeddings` describe, by id,
    where not that of the source's entry;
    ``also_assets`` are assets on request, large ones, that are made too;
    ``on_release`` says whether the sessions that a release changes are made at once or wait for ``nh releases accept``.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = None
    read: Annotated[dict[str, Any], BeforeValidator(_nothing_stated)] = Field(default_factory=dict, repr=False)
    rulebook: str | None = None
    also_rulebooks: list[str] | None = None
    presets: list[str] | None = None
    published: str | None = None
    stimulus_modes: list[str] | None = None
    reference_window: str | None = None
    also_assets: list[str] | None = None
    on_release: Literal["make", "hold"] = "make"


class PlatformSettings(BaseModel):
    """The home folder and what was configured for each source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path
    reviews: Path
    stated_store: Path | None = None
    ui_address: str = DEFAULT_UI
    sources: Mapping[str, SourceSettings] = Field(default_factory=dict)

    @property
    def store(self) -> Path:
        """Folder of the assets; of a store in a bucket the folder of this machine that stands for it."""
        return self.stated_store or self.home / "store"

    @property
    def dagster_home(self) -> Path:
        """Folder of Dagster's run history."""
        return self.home / "dagster"

    def source(self, name: str) -> SourceSettings:
        """Return what was configured for a source; defaults where nothing was."""
        return self.sources.get(name, SourceSettings())

    def own_file(self, name: str) -> str:
        """Return the path of a rulebook or preset of your own, from the home folder; ids stay as they are."""
        return str(self.home / name) if name.endswith((".yaml", ".yml")) else name

    @cached_property
    def entries(self) -> Mapping[str, SourceEntry]:
        """Every source that this home serves, by name, in the order of lists and pages.

        Those of the platform and of installed packages, and those that ``sources.yaml`` declares by their ``kind``.

        Raises
        ------
        ConfigError
            If what is declared cannot be used, or takes the name of another source; with file and line.
        """
        installed = sources()
        declared = {}
        for name, own in self.sources.items():
            if own.kind is None:
                continue
            if name in installed:
                found = f"{name!r} is a source of the platform already, and `kind` declares another one"
                raise setting_error(self.home, (name, "kind"), found, "Give your source another name.")
            declared[name] = declared_entry(name, own.kind, own.read, self.home)
        return dict(sorted({**installed, **declared}.items(), key=lambda item: item[1].order))

    def entry(self, name: str) -> SourceEntry:
        """Return the entry of a source of this home.

        Raises
        ------
        ConfigError
            If there is none; the text lists those there are, or names the package that should bring it and cannot.
        """
        if name not in self.entries:
            raise broken_source(name) or no_such_source(name, self.entries)
        return self.entries[name]


def reviews_folder(home: Path) -> Path:
    """Return the folder of the reviews of a home.

    That of ``NH_REVIEWS``, a folder or the address of a bucket; else ``.reviews`` in a store that lies in a bucket,
    where all machines read and write the same ones, and ``reviews`` in the home.

    Raises
    ------
    ConfigError
        If an address cannot be one; or if the home has reviews, and the bucket of its store would be read instead.
    """
    stated, in_home = os.environ.get(REVIEWS_VARIABLE), (home / "reviews").absolute()
    if stated:
        return local_root(parse_address(stated, REVIEWS_VARIABLE)) if is_address(stated) else Path(stated).absolute()
    store = stated_store()
    if store is None or not is_in_bucket(store):
        return in_home
    if n_files := sum(1 for _ in in_home.glob("*/*.yaml")):
        place = shown(store / REVIEWS)
        found = f"it has {counted(n_files, 'file')} of reviews, and those of a store in a bucket are read from {place}"
        action = (
            f"Bring them there (aws s3 sync {in_home} {place}) and rename the folder; or go on with them on this "
            f"machine alone: {REVIEWS_VARIABLE}={in_home}"
        )
        raise ConfigError(str(in_home), found, action)
    return store / REVIEWS


def settings_of_store(root: Path) -> PlatformSettings | None:
    """Return the settings of the home that a store belongs to; None for a store without a home.

    A store that ``NH_STORE`` names belongs to the home that `nh` uses, any other to the folder that it lies in.

    Raises
    ------
    ConfigError
        As of `load_settings`.
    """
    folder = root.absolute()
    settings = load_settings(home_folder() if folder == stated_store() else folder.parent)
    return settings if settings.store == folder else None


def ui_address() -> str:
    """Return the address of Dagster's pages, without a slash at its end: that of ``NH_UI_ADDRESS``, or the default.

    Raises
    ------
    ConfigError
        If it is no address of a web page.
    """
    address = (os.environ.get(UI_VARIABLE) or DEFAULT_UI).rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        found = f"{address!r} is no address of a web page"
        raise ConfigError(UI_VARIABLE, found, f"Give one such as {DEFAULT_UI} or https://qc.example.org/dagster.")
    return address


def load_settings(home: Path | None = None) -> PlatformSettings:
    """Read the settings of a home folder.

    Raises
    ------
    ConfigError
        If ``sources.yaml`` cannot be parsed, has a key that does not exist, a value of the wrong type or a credential;
        the text names the file, the line and the key. Names of sources, rulebooks and presets are looked at by
        `Platform`, what is under ``read`` by the source. Also if a restoration into the folder is not done, or a file
        lies where the home or one of its folders should be.
    """
    folder = (home or home_folder()).absolute()
    require_folder(folder, f"Give a folder: `nh --home …`, or {HOME_VARIABLE}.")
    require_restored(folder)
    reviews = reviews_folder(folder)
    content = read_sources_file(folder)
    refuse_credentials(content)
    sources = {}
    for name, stated in content.data.items():
        try:
            sources[name] = SourceSettings.model_validate(_nothing_stated(stated))
        except ValidationError as error:
            raise first_setting_error(error, SourceSettings, folder, (name,)) from None
    settings = PlatformSettings(
        home=folder, reviews=reviews, stated_store=stated_store(), ui_address=ui_address(), sources=sources
    )
    for own in (settings.store, settings.dagster_home, settings.reviews):
        if not is_in_bucket(own):
            require_folder(own, "Move it elsewhere, and run it again.")
    return settings
