"""Where Visual Behavior Neuropixels sessions are read from.

Contains the settings of the source ``allen_vbn``. Add a setting here when a person must be able to change it without
touching code. What is done with them belongs to `nh_platform.sources.allen.behavior.source`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from nh_platform.sources.allen.behavior.cloud_cache import LATEST, version_of

BUCKET = "visual-behavior-neuropixels-data"


def _plain_version(value: object) -> object:
    """Accept the file name of a manifest for its version."""
    return (version_of(value) or value) if isinstance(value, str) else value


class AllenVbnSettings(BaseModel):
    """Where Visual Behavior Neuropixels sessions are.

    Parameters
    ----------
    root
        Folder in the layout of AllenSDK's cloud cache: ``visual-behavior-neuropixels_project_manifest_v<v>.json``
        beside ``visual-behavior-neuropixels-<v>/``. A plain copy of the bucket is read too.
    mode
        ``local``: the sessions whose NWB file is in ``root`` are all there is. ``s3``: all sessions of the release;
        what is missing in ``root`` is fetched.
    manifest
        Release to read: ``latest``, or a version such as ``0.4.0`` to stay with it.
    bucket, endpoint
        For ``s3``: the bucket, and the address of the S3 server where it is not Amazon's.
    ranges
        For ``s3``: whether a session's file that is not in ``root`` is read where it lies, by ranges, so that only what
        is read comes and nothing is kept.
    keep_raw
        For ``s3``: whether session files stay in ``root``. Where false, each is fetched for the run that reads it,
        verified, and removed with it.
    freeze
        CSV file with a column ``session_id`` (`nh_platform.history.freezes`): only these sessions are listed.
    cache_dir
        Where hashes are remembered between runs; None hashes each file whenever it is read.
    attempts, retry_wait_s, stall_s
        For ``s3``: tries of a download, seconds before the second, doubled each time, and the longest wait for the next
        bytes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    root: Path
    mode: Literal["local", "s3"] = "local"
    manifest: Annotated[str, BeforeValidator(_plain_version)] = LATEST
    bucket: str = BUCKET
    endpoint: str | None = None
    ranges: bool = False
    keep_raw: bool = True
    freeze: Path | None = None
    cache_dir: Path | None = None
    attempts: Annotated[int, Field(ge=1)] = 3
    retry_wait_s: Annotated[float, Field(ge=0)] = 1.0
    stall_s: Annotated[float, Field(gt=0)] = 60.0

    @model_validator(mode="after")
    def _keeps_what_it_did_not_fetch(self) -> Self:
        if self.mode == "local" and not self.keep_raw:
            raise ValueError("keep_raw: false needs a mode that fetches files; files of mode local are yours")
        if self.ranges and self.mode != "s3":
            raise ValueError("ranges: true needs mode s3; files of mode local are read in place")
        return self
