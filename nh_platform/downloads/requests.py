"""One raw file: what is wanted of it, what came, and what is wrong where it is not the same.

Add here what tells a right file from a wrong one. Where files lie and how they come is `raw_files`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from nh_platform.downloads.transfers import NotTransferred, Transferred
from nh_platform.session import BadUpstreamData


@dataclass(frozen=True)
class RawRequest:
    """One upstream file that is wanted.

    Parameters
    ----------
    label
        What a person calls it, for example ``session …, file alf/licks.times.npy``.
    md5
        md5 that upstream states, in lower-case hexadecimal digits; None where it states none.
    size
        Size in bytes that upstream states. Never identity: of files with an md5 it only serves the check of disk
        space and the progress bar (Alyx states 22 MB for files of 138 MB). Of files without it must be right.
    weak_key
        Without md5: what tells this file from every other and from other versions of itself, as far as upstream says.
    """

    label: str
    md5: str | None
    size: int | None = None
    weak_key: str | None = None

    def __post_init__(self) -> None:
        if self.md5 is None and not self.weak_key:
            raise ValueError(f"{self.label}: a file without md5 needs a weak_key")

    @property
    def identity(self) -> str:
        """The md5, or the sha256 of the weak key."""
        return self.md5 if self.md5 is not None else hashlib.sha256(str(self.weak_key).encode()).hexdigest()


@dataclass(frozen=True)
class RawFile:
    """One raw file that is there.

    Parameters
    ----------
    path
        Where it lies, read-only.
    md5, size
        Of its content.
    is_weak
        Whether upstream states no md5, so that only completeness was checked.
    """

    path: Path
    md5: str
    size: int
    is_weak: bool


def problem_of(request: RawRequest, came: Transferred) -> str | None:
    """Return what is wrong with a whole answer."""
    if request.md5 is not None:
        return None if came.md5 == request.md5 else f"md5 of the content is {came.md5}, upstream states {request.md5}"
    if request.size is not None and came.size != request.size:
        return f"{came.size} bytes came (md5 {came.md5}), upstream states {request.size} and no md5"
    return None


def not_transferred(request: RawRequest, failure: NotTransferred) -> BadUpstreamData:
    """Return the error for a file that no place gave, with what a person can do about it."""
    if failure.missing:
        action = "Sync the source to see what upstream holds now."
    elif failure.unreachable:
        action = "Check the network and the address (`nh doctor`), and run it again."
    else:
        action = "Wait for the server and run it again; what came is kept and resumed."
    return BadUpstreamData(request.label, failure.text, action)
