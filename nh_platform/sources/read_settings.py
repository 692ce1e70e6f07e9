"""From what ``sources.yaml`` says under ``read`` to a source's own settings.

Contains the one function that entries open their source with. Which settings there are is said by the source's model,
how a mistake is said by `nh_platform.sources.setting_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from nh_platform.sources.setting_errors import first_setting_error, setting_error
from nh_platform.store.objects.address import is_address, is_in_bucket

Settings = TypeVar("Settings", bound=BaseModel)


def read_settings(
    model: type[Settings],
    source: str,
    read: Mapping[str, Any],
    home: Path,
    variables: Mapping[str, str] | None = None,
) -> Settings:
    """Return a source's settings, with the paths among them resolved against the home folder.

    Parameters
    ----------
    model
        The settings that there are; a field of type ``Path`` or ``Path | None`` is a path.
    source
        Name of the source.
    read
        What is stated, with the defaults of the home folder.
    home
        The home folder.
    variables
        Environment variable by name of setting, for those values that came from the environment.

    Raises
    ------
    ConfigError
        Naming the setting that is wrong, with its line in ``sources.yaml``.
    """
    paths = {name for name, field in model.model_fields.items() if field.annotation in (Path, Path | None)}
    texts = {key: value for key, value in read.items() if key in paths and value and isinstance(value, str)}
    addresses = {key for key, value in texts.items() if is_address(value)}
    joined = {key: home / value for key, value in texts.items() if key not in addresses}
    try:
        settings = model.model_validate({**read, **joined})
    except ValidationError as error:
        # Without its cause: pydantic repeats all values there, and some are credentials of the environment.
        raise first_setting_error(error, model, home, (source, "read"), variables=variables) from None
    for key in sorted(addresses):
        if not is_in_bucket(getattr(settings, key)):
            found = f"{texts[key]!r} is an address, and these files are read from the disk"
            raise setting_error(home, (source, "read", key), found, "Name a folder; docs/configuration.md says which.")
    return settings
