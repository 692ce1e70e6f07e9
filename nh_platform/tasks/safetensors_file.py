"""Safetensors files that are the same bytes for the same content, written whole or not at all.

Contains the file alone. What is in a file of predictions stands in `nh_platform.tasks.predictions`, folders that are
written whole are `nh_platform.tasks.whole_folder`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import StoreError
from nh_platform.store.durable import disk_in_words, write_durably

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
        If there is no such file, it is none of this format, or it holds numbers that numpy does not have.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except TypeError as error:
        about = f"it holds numbers that numpy does not have: {error}"
        raise StoreError(str(path), about, "Write them as float32, or float16.") from error
    except (OSError, SafetensorError) as error:
        raise StoreError(str(path), f"it is no whole safetensors file: {error}", "Write it again.") from error
