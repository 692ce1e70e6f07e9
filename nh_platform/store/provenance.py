"""Provenance of an asset: a typed record beside every output, and the data version that follows from it.

Contains the record and the hash. Add a field here when an output depends on something that is not yet recorded.
Nothing here decides what is stale; that is `nh_platform.planning.versions`.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from nh_platform.store.file_hashes import read_record
from nh_platform.store.hashing import StoredFile
from nh_platform.store.sealed import seal_json

RECORDED_PACKAGES = (
    *("nh-platform", "numpy", "pandas", "pyarrow", "h5py", "hdf5plugin", "numba", "scipy"),
    *("iblatlas", "ONE-api", "allensdk"),
)
"""Packages whose version can change the bytes of an output."""


class UpstreamFile(BaseModel):
    """One upstream file that an output was made from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    collection: str
    revision: str
    name: str
    md5: str | None


class Provenance(BaseModel):
    """Origin of one output: inputs, code, parameters, upstream files, packages, and what was left out.

    ``origins`` says which way upstream files came and what they were held against, where that is not the hash that
    upstream states. Two records that differ in nothing else are of the same bytes.

    ``files`` holds the size and hash of every file of the output, by path from its folder; `Store.publish` fills it in.

    Holds no clock time, so that the same inputs give the same bytes. The git commit is recorded where known and is
    not part of the data version.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    asset: str
    source: str
    session_id: str
    data_version: str
    code_version: str
    inputs: dict[str, str] = {}
    parameters: dict[str, str] = {}
    upstream_files: list[UpstreamFile] = []
    left_out: list[str] = []
    origins: list[str] = []
    files: dict[str, StoredFile] = {}
    packages: dict[str, str] = {}
    git_commit: str | None = None

    @classmethod
    def make(
        cls,
        *,
        asset: str,
        source: str,
        session_id: str,
        code_version: str,
        inputs: Mapping[str, str],
        parameters: Mapping[str, str],
        upstream_files: Sequence[UpstreamFile] = (),
        left_out: Sequence[str] = (),
        origins: Sequence[str] = (),
    ) -> Provenance:
        """Return the record of an output that this code makes now: its data version, packages and commit filled in."""
        return cls(
            asset=asset,
            source=source,
            session_id=session_id,
            data_version=data_version(code_version, inputs, parameters),
            code_version=code_version,
            inputs=dict(inputs),
            parameters=dict(parameters),
            upstream_files=list(upstream_files),
            left_out=list(left_out),
            origins=list(origins),
            packages=recorded_packages(),
            git_commit=git_commit(),
        )

    def to_bytes(self) -> bytes:
        """Return the JSON that is stored: sorted keys, and first its own hash (`sealed`)."""
        return seal_json(self.model_dump())

    @classmethod
    def read(cls, version: Path) -> Provenance:
        """Read the record of a stored version.

        Parameters
        ----------
        version
            Folder of the version.

        Raises
        ------
        DamagedFile
            If it is not the bytes that were written.
        FileNotFoundError
            If the version was replaced meanwhile.
        """
        return cls.model_validate(read_record(version))


def data_version(code_version: str, inputs: Mapping[str, str], parameters: Mapping[str, str]) -> str:
    """Return the identity of an output: sha256 over its step's code version, its inputs' versions, its parameters.

    Parameters
    ----------
    code_version
        Version of the step that makes the output; it moves when the step's results move.
    inputs
        Data version (or upstream content version) by name of input.
    parameters
        Rulebook, presets and other settings, as text.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    record = {"code": code_version, "inputs": dict(inputs), "parameters": dict(parameters)}
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


@functools.cache
def recorded_packages() -> dict[str, str]:
    """Return the installed version of every package in `RECORDED_PACKAGES`."""
    found = {}
    for name in RECORDED_PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


_log = logging.getLogger(__name__)
_GIT_S = 120.0
"""Seconds that git may take: where 30 processes waited for a CPU it took over 10, and a record had no commit."""


@functools.cache
def git_commit() -> str | None:
    """Return the commit of the checkout that this code runs from, or None outside one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=_GIT_S, check=False
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired:
        _log.warning("git did not tell the commit within %g s; what this process makes is recorded without it", _GIT_S)
        return None
    return done.stdout.strip() or None
