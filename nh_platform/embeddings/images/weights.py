"""Weights of a model: the folder that they lie in, and what identifies them.

Contains the way from a folder, or a name on the Hugging Face hub, to a folder with a hash. Nothing here loads a model.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from nh_platform.downloads.hashes import file_hash, why_no_file
from nh_platform.embeddings.images.image_encoder import PROCESSOR, SEED_GUIDE
from nh_platform.embeddings.images.transformers_models import how_to_get
from nh_platform.session import ConfigError

FILES = ("config.json", "*.safetensors", "*.safetensors.index.json")
"""Files of a model that are read. Pickled weights (``*.bin``) are not: reading them runs what is in them."""
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")
"""Settings of the model's own image processor; with the preprocessing ``processor`` alone they are read."""
_NEEDED = ("config.json", "*.safetensors")


@dataclass(frozen=True)
class Weights:
    """Weights that are at hand.

    Parameters
    ----------
    folder
        Where they lie.
    sha256
        Identity: sha256 over name and content hash of every file of `FILES`, and of `PROCESSOR_FILES` where the
        preprocessing reads them.
    """

    folder: Path
    sha256: str


def find_weights(
    stated: str,
    name: str,
    home: Path,
    *,
    preprocessing: str = SEED_GUIDE,
    cache_dir: Path | None = None,
    may_download: bool = False,
) -> Weights:
    """Return the weights of a model.

    Parameters
    ----------
    stated
        Folder as a person states it, from ``home`` where it is not absolute; the hub's own cache of this machine where
        empty.
    name
        Name on the hub, ``owner/model``.
    home
        The home folder.
    preprocessing
        Name of the preprocessing: settings of the model's processor identify the weights where it reads them.
    cache_dir
        Folder that keeps hashes of files (`nh_platform.downloads.hashes.file_hash`).
    may_download
        Whether they are fetched from the hub where the cache has none.

    Raises
    ------
    ConfigError
        If they are not there, or the folder lacks a file; the text says how to get them.
    """
    folder = home / stated if stated else _from_hub(name, may_download=may_download)
    if not _is_folder(folder):
        found = f"{stated} is no folder" if stated else f"{folder} is no folder"
        raise ConfigError(f"weights of {name}", found, _action(name))
    if lacking := [pattern for pattern in _NEEDED if not any(folder.glob(pattern))]:
        also = " (pytorch_model.bin is not read: it is pickled)" if any(folder.glob("*.bin")) else ""
        raise ConfigError(f"weights of {name}", f"{folder.name} has no {' and no '.join(lacking)}{also}", _action(name))
    _refuse_shards_elsewhere(folder, name)
    patterns = (*FILES, *PROCESSOR_FILES) if preprocessing == PROCESSOR else FILES
    files = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    lines = "".join(f"{path.name}\x1f{file_hash(path, 'blake2b', cache_dir)}\n" for path in files)
    return Weights(folder, hashlib.sha256(lines.encode()).hexdigest())


def _refuse_shards_elsewhere(folder: Path, name: str) -> None:
    """Stop where an index names files that `FILES` does not have: they would be read, and be in no identity."""
    for index in sorted(folder.glob("*.safetensors.index.json")):
        if (trouble := why_no_file(index)) is not None:
            raise ConfigError(f"weights of {name}", f"{index.name}: {trouble}", _action(name))
        try:
            shards = {str(one) for one in json.loads(index.read_bytes())["weight_map"].values()}
        except (ValueError, KeyError, TypeError, AttributeError, OSError, RecursionError) as error:
            found = f"{index.name} cannot be read: {type(error).__name__}: {error}"
            raise ConfigError(f"weights of {name}", f"{found:.300}", _action(name)) from error
        if odd := sorted(one for one in shards if "/" in one or not one.endswith(".safetensors")):
            found = f"{index.name} names {odd[0]!r}, which is no *.safetensors of the folder"
            raise ConfigError(f"weights of {name}", found, _action(name))


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is longer than the disk takes
        return False


def _from_hub(name: str, *, may_download: bool) -> Path:
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ConfigError(
            f"weights of {name}",
            "they are on the Hugging Face hub, and huggingface_hub is not installed",
            "Run `pip install torch transformers`, or state a folder that has them: --weights FOLDER.",
        ) from error
    try:
        return Path(
            snapshot_download(name, allow_patterns=[*FILES, *PROCESSOR_FILES], local_files_only=not may_download)
        )
    except Exception as error:  # of the network, of the hub, of the cache: the text is for a person
        first = " ".join(str(error).split()).split(". ")[0]
        asked = "the hub does not give them" if may_download else "the cache of the hub on this machine has none"
        raise ConfigError(f"weights of {name}", f"{asked} ({type(error).__name__}: {first:.200})", _action(name)) from (
            error
        )


def _action(name: str) -> str:
    return f"Get them: {how_to_get(name)}"
