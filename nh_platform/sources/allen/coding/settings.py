"""Where Visual Coding sessions are read from, as ``sources.yaml`` says it.

Contains the settings model of the source ``allen_vc``. Add a setting here when a person must be able to change it. What
the settings do is in `source`, `warehouse` and `warehouse_downloads`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from nh_platform.sources.allen.sdk import WAREHOUSE

BUCKET = "allen-brain-observatory"
PREFIX = "visual-coding-neuropixels/ecephys-cache/"
"""Allen's registry bucket (registry.opendata.aws/allen-brain-observatory), in us-west-2. The layout is that of the
public listings and of clients that read it; nobody here has asked Amazon's own server."""


def _as_folder(prefix: str) -> str:
    """Return a prefix with one slash at its end and none before; an empty one stays."""
    return f"{prefix.strip('/')}/" if prefix.strip("/") else ""


class AllenVcSettings(BaseModel):
    """Where Visual Coding sessions are.

    Parameters
    ----------
    root
        Folder in the layout of AllenSDK's project cache: ``session_<id>/session_<id>.nwb`` and, where present,
        ``sessions.csv``, ``probes.csv``, ``channels.csv``, ``units.csv``.
    mode
        ``local``: what is in ``root`` is all there is. ``warehouse``: all sessions that the Allen Institute's warehouse
        serves; a session's file is fetched into ``root`` when it is first read. ``s3``: the same from Allen's public
        registry bucket, without AllenSDK.
    release
        Name of the release that the folder shows; the mode's name where None.
    keep_raw
        For the modes that fetch: whether session files stay in ``root``. Where false, each is fetched for the run that
        reads it, verified, and removed with it.
    freeze
        CSV file with a column ``session_id`` (`nh_platform.history.freezes`): only these sessions are listed.
    cache_dir
        Where md5 sums are remembered between runs; None hashes each file whenever it is read.
    address
        For ``warehouse``: scheme and host.
    bucket, prefix
        For ``s3``: the bucket, and what its keys begin with. Another server than Amazon's is named by
        ``AWS_ENDPOINT_URL``.
    ranges
        For ``s3``: whether a session's file that is not in ``root`` is read where it lies, by ranges, so that only what
        is read comes and nothing is kept.
    refresh
        For the modes that fetch: whether each reading of the manifest asks what is served now. Without it the folder's
        own list counts, and nobody is asked until a file has to be fetched.
    attempts, retry_wait_s, stall_s
        For the modes that fetch: tries of a download, seconds before the second, doubled each time, and the longest
        wait for the next bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    mode: Literal["local", "warehouse", "s3"] = "local"
    release: str | None = None
    keep_raw: bool = True
    freeze: Path | None = None
    cache_dir: Path | None = None
    address: Annotated[str, Field(pattern=r"^https?://[^/]+$")] = WAREHOUSE
    bucket: str = BUCKET
    prefix: Annotated[str, AfterValidator(_as_folder)] = PREFIX
    ranges: bool = False
    refresh: bool = True
    attempts: Annotated[int, Field(ge=1)] = 3
    retry_wait_s: Annotated[float, Field(ge=0)] = 1.0
    stall_s: Annotated[float, Field(gt=0)] = 60.0

    @model_validator(mode="after")
    def _keeps_what_it_did_not_fetch(self) -> Self:
        if self.mode == "local" and not self.keep_raw:
            raise ValueError("keep_raw: false needs a mode that fetches files; files of mode local are yours")
        if self.ranges and self.mode != "s3":
            raise ValueError("ranges: true needs mode s3; no other server is known to send parts of a file")
        return self
