"""Safetensors files that are the same bytes for the same content, written whole or not at all.

Contains the file alone. What is in a file of predictions stands in `nh_platform.tasks.predictions`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import ConfigError, StoreError
from nh_platform.store.durable import disk_in_words, sync_tree, write_durably

_LENGTH = 8
"""Bytes of a file that say how long its header is (little-endian), by the format."""


def write_tensors(path: Path, tensors: Mapping[str, npt.NDArray[np.generic]], metadata: Mapping[str, str]) -> None:
    """Write arrays and texts; folders above are made, a file of that name is replaced.

    The library writes the texts in the order of a hash map, which differs each time; here they are in order.

    Parameters
    ----------
    path
        The file.
    tensors
        Arrays by name.
    metadata
        Texts by name.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    from safetensors.numpy import save

    content = save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, dict(metadata))
    length = int.from_bytes(content[:_LENGTH], "little")
    header = json.loads(content[_LENGTH : _LENGTH + length])
    header = {"__metadata__": dict(sorted(header.pop("__metadata__", {}).items()))} | header
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % _LENGTH)  # arrays begin at a multiple of 8, as the library has it
    with disk_in_words(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, len(text).to_bytes(_LENGTH, "little") + text + content[_LENGTH + length :])


def read_tensors(path: Path) -> tuple[dict[str, npt.NDArray[np.generic]], dict[str, str]]:
    """Return arrays and texts of a file.

    Raises
    ------
    StoreError
        If there is no such file, or it is none of this format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise StoreError(str(path), f"it is no whole safetensors file: {error}", "Write it again.") from error


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a folder beside to write into, which takes the name of ``folder`` at the end, unless nothing was written.

    After an error it is removed.

    Parameters
    ----------
    folder
        A folder that does not exist, or is empty.

    Raises
    ------
    ConfigError
        If the folder holds anything, or is a file.
    StoreError
        If it cannot be written.
    """
    require_empty(folder)
    with disk_in_words(folder.parent):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = folder.with_name(f".{folder.name}.{os.getpid()}")
        staging.mkdir()
    try:
        yield staging
        if not any(staging.iterdir()):
            return
        with disk_in_words(folder.parent):
            sync_tree(staging)
            require_empty(folder)
            os.replace(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def require_empty(folder: Path) -> None:
    """Refuse a folder that holds anything.

    Raises
    ------
    ConfigError
        If it does, or is a file.
    """
    if folder.is_dir() and not (there := sorted(path.name for path in folder.iterdir())):
        return
    if folder.is_dir():
        raise ConfigError(str(folder), f"it holds {there[0]} already", "Give a folder that is empty or does not exist.")
    if folder.exists() or folder.is_symlink():
        raise ConfigError(str(folder), "it is no folder", "Give a folder that is empty or does not exist.")
