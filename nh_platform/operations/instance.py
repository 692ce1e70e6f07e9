"""Dagster's instance of a home folder: `DAGSTER_HOME` if it is set, else the embedded one of the folder.

Contains the writing of the embedded configuration from the top-level ``dagster.yaml``. Add here what is needed before
an operation may talk to Dagster. Nothing here launches a run.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from nh_platform.home.folder import HOME_VARIABLE
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.settings import PlatformSettings

_EMBEDDED_FOLDER = "data/dagster"
"""The folder that the top-level ``dagster.yaml`` names; replaced by the one of the home folder."""


def configuration_file(name: str) -> Path:
    """Return the path of ``dagster.yaml`` or ``workspace.yaml``: of the checkout, or as packaged.

    Raises
    ------
    ConfigError
        If neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    for candidate in (package.parent / name, package / name):
        if candidate.is_file():
            return candidate
    raise ConfigError(name, "it is neither beside the package nor in it", "Reinstall nh-platform.")


def use_embedded_instance() -> None:
    """Leave a ``DAGSTER_HOME`` of a person's own alone: simulated sessions do not belong into it."""
    os.environ.pop("DAGSTER_HOME", None)


def prepare_instance(settings: PlatformSettings) -> Path:
    """Set ``NH_HOME`` and ``DAGSTER_HOME`` for the processes that this one starts; return the Dagster home.

    A ``DAGSTER_HOME`` that is already set wins.
    """
    os.environ[HOME_VARIABLE] = str(settings.home)
    folder = Path(os.environ.get("DAGSTER_HOME") or _configured(settings))
    os.environ["DAGSTER_HOME"] = str(folder)
    return folder


def open_instance(settings: PlatformSettings, *, embedded: bool = False) -> dg.DagsterInstance:
    """Return Dagster's instance for a home folder.

    The environment stays as it is, so that a notebook can work on one home after another.

    Parameters
    ----------
    settings
        The settings of the home folder.
    embedded
        Open the embedded instance also where ``DAGSTER_HOME`` is set.
    """
    import dagster as dg

    if os.environ.get("DAGSTER_HOME") and not embedded:
        return dg.DagsterInstance.get()
    return dg.DagsterInstance.from_config(str(_configured(settings)))


def _configured(settings: PlatformSettings) -> Path:
    """Write the top-level ``dagster.yaml`` into ``<home>/dagster``, and return that folder.

    Plain `dagster dev` beside the top-level file and `nh` thus use the same storage.
    """
    folder = settings.dagster_home
    folder.mkdir(parents=True, exist_ok=True)
    content = configuration_file("dagster.yaml").read_text(encoding="utf-8")
    rendered = content.replace(f" {_EMBEDDED_FOLDER}", f" {folder}")
    target = folder / "dagster.yaml"
    if not target.exists() or target.read_text(encoding="utf-8") != rendered:
        target.write_text(rendered, encoding="utf-8")
    return folder
