"""Where IBL data are read from, and which sorter and revision count.

Contains the one settings model of the source. Add a field here when a person must be able to choose something about
reading IBL. No client is opened and no file is read here.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from nh_platform.downloads.credentials import credential
from nh_platform.downloads.in_buckets.raw_places import bucket_root
from nh_platform.session.errors import ConfigError, without_account
from nh_platform.store.objects.address import is_address

FOLLOW_DEFAULT = "follow_default"
"""Read the revision that upstream serves by default."""

AGGREGATES_TAG = "2024_Q2_IBL_et_al_BWM"
"""Release of the Brain-wide Map whose aggregate tables are read: the re-sort, of 621,733 units."""

_ACCOUNT_DIGITS = 8

_REVISION = re.compile(r"\d{4}-\d{2}-\d{2}[a-z]?")

CREDENTIALS = ("NH_ONE_URL", "NH_ONE_USERNAME", "NH_ONE_PASSWORD", "NH_ONE_TOKEN")
"""Environment variables of which any one says that an Alyx server is to be asked."""

ENVIRONMENT = {
    "url": "NH_ONE_URL",
    "username": "NH_ONE_USERNAME",
    "password": "NH_ONE_PASSWORD",
    "token": "NH_ONE_TOKEN",
    "data_server": "NH_ONE_DATA_SERVER",
}
"""Environment variable of each setting that names a server or a credential; these are never read from
``sources.yaml``."""

SECRET = ("username", "password", "token")
"""Settings whose values are in no text; a secret file may hold them."""


def environment_values() -> dict[str, str]:
    """Return the settings that the ``NH_ONE_*`` variables state, themselves or by a secret file (``…_FILE``).

    Raises
    ------
    ConfigError
        As of `nh_platform.downloads.credentials.credential`.
    """
    stated = {
        name: credential(variable) if name in SECRET else os.environ.get(variable, "")
        for name, variable in ENVIRONMENT.items()
    }
    return {name: value for name, value in stated.items() if value}


class IblSettings(BaseModel):
    """Settings of `IblSource`.

    Parameters
    ----------
    mode
        ``local`` reads an ALF tree with its ONE tables; ``public`` reads IBL's public bucket, without an account;
        ``remote`` asks an Alyx server.
    root
        Local: folder of the ALF tree (``<lab>/Subjects/<subject>/<date>/<number>/…``).
    tables
        Local: folder of the ONE tables ``sessions.pqt``, ``datasets.pqt`` and, where there is one,
        ``insertions.pqt``; ``root`` where not given.
    url
        Remote: address of Alyx.
    data_server
        Remote, public: address of the bulk files over HTTP where it is not IBL's own; asked where the bucket fails.
    username, password, token
        Remote: credentials; a token stands for a user name and password.
    tag
        Remote, public: release tag, for example ``2024_Q2_IBL_et_al_BWM_iblsort``, or several: what any of them has;
        all that the account sees, or all that is public, where not given.
    freeze
        CSV file with columns ``pid`` and ``eid`` (`nh_platform.history.freezes`), or the name of a list: only these
        insertions and their sessions are listed; everything where not given. Published lists
        (`nh_platform.history.published_freezes`) are fetched by their name.
    aggregates
        Folder of IBL's aggregate tables ``clusters.pqt`` and ``channels.pqt``, of which either may lack: units,
        channels and regions of a whole release, without session files. ``nh sync ibl --tables`` fills it.
    aggregates_tag
        Release whose aggregate tables are fetched.
    sorter
        Spike sorter to prefer, for example ``pykilosort``.
    extended_qc
        Remote: whether the extended QC of each listed session is asked for, which takes a request for each.
    revision
        ``follow_default``, or a date ``YYYY-MM-DD``: per dataset the last revision before or on it.
    cache_dir
        Folder under which each process makes a private folder for ONE's parameters, removed when the process ends;
        the system's temporary folder where not given.
    raw_dir
        Remote, public: folder of the raw files (`nh_platform.downloads.raw_files.RawFiles`), shared by all
        processes; or the address of a bucket, ``s3://bucket/prefix``, which machines share.
        Where not given, downloads lie in the private folder.
    keep_raw
        Remote, public: keep raw files after they were read. Otherwise they lie in the private folder and are removed.
    parallel_downloads
        Remote, public: most files of a session that are downloaded at a time.
    timeout_s
        Longest time in seconds that one request to ONE may take: ONE itself sets none and waits for ever.
    signal_timeout_s
        Longest time in seconds of one look for announcements, all attempts together. Dagster ends a sensor's tick after
        60 s, and the tick has more to do.
    connect_timeout_s, read_timeout_s
        Longest wait of a download for a connection, and for its next bytes.
    attempts
        How often a request or download is tried; ONE retries neither 500 and 502 nor a broken connection.
    retry_wait_s
        Seconds before the second attempt, doubled each time.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Literal["local", "public", "remote"] = "local"
    root: Path | None = None
    tables: Path | None = None
    url: str | None = None
    data_server: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    tag: str | tuple[str, ...] | None = None
    freeze: Path | None = None
    aggregates: Path | None = None
    aggregates_tag: str = AGGREGATES_TAG
    sorter: str | None = None
    extended_qc: bool = True
    revision: str = FOLLOW_DEFAULT
    cache_dir: Path | None = None
    raw_dir: Path | None = None
    keep_raw: bool = True
    parallel_downloads: int = Field(default=4, ge=1, le=32)
    timeout_s: float = Field(default=1800.0, gt=0)
    signal_timeout_s: float = Field(default=15.0, gt=0, le=45.0)
    connect_timeout_s: float = Field(default=10.0, gt=0)
    read_timeout_s: float = Field(default=60.0, gt=0)
    attempts: int = Field(default=3, ge=1)
    retry_wait_s: float = Field(default=1.0, ge=0)

    @field_validator("revision")
    @classmethod
    def _revision_is_a_date(cls, value: str) -> str:
        if value != FOLLOW_DEFAULT and not _REVISION.fullmatch(value):
            raise ValueError(f"revision {value!r} is neither {FOLLOW_DEFAULT!r} nor a date such as 2024-05-06")
        return value

    @field_validator("raw_dir", mode="before")
    @classmethod
    def _raw_files_may_lie_in_a_bucket(cls, value: object) -> object:
        if not isinstance(value, str) or not is_address(value):
            return value
        try:
            return bucket_root(value)
        except ConfigError as error:
            raise ValueError(f"{error.found}; {error.action}") from None

    @field_validator("url", "data_server")
    @classmethod
    def _address_is_http(cls, value: str | None) -> str | None:
        if value is not None and not re.match(r"https?://[^/]", value):
            raise ValueError(f"{without_account(value)!r} is not an http(s) address")
        if value is not None and without_account(value) != value:
            raise ValueError(
                "the address has a user name or password in it; NH_ONE_USERNAME and NH_ONE_PASSWORD are for these"
            )
        return value.rstrip("/") if value else value

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> IblSettings:
        if self.mode == "local" and self.root is None:
            raise ValueError("local mode needs `root`, the folder of the ALF tree")
        if self.mode == "remote":
            if self.url is None:
                raise ValueError("remote mode needs the address of Alyx: set NH_ONE_URL")
            if self.token is None and (self.username is None or self.password is None):
                raise ValueError("remote mode needs NH_ONE_TOKEN, or NH_ONE_USERNAME and NH_ONE_PASSWORD")
        return self

    @property
    def tags(self) -> tuple[str, ...]:
        """The release tags, each once and sorted; none where everything is read."""
        stated = (self.tag,) if isinstance(self.tag, str) else self.tag or ()
        return tuple(sorted({tag for tag in stated if tag}))

    @property
    def selection(self) -> str:
        """Which sessions are asked for, but for the freeze: the mode, whose server as whom, and the tag.

        Neither the revision policy nor the sorter is in it: they choose files of sessions that are listed either way.
        The account is told from others by a hash, because snapshots are files and credentials are never in files.
        """
        parts: list[str] = [self.mode]
        if self.mode == "remote":
            parts.append(f"server {urlsplit(self.url or '').hostname}")
            if self.username:
                parts.append(f"account {hashlib.sha256(self.username.encode()).hexdigest()[:_ACCOUNT_DIGITS]}")
        if self.mode != "local":
            parts += [f"tag {tag}" for tag in self.tags]
        return ", ".join(parts)

    @property
    def release(self) -> str:
        """Name of what the manifest shows: the tags, if any, and the revision policy."""
        policy = self.revision if self.revision == FOLLOW_DEFAULT else f"pinned {self.revision}"
        return f"{'+'.join(self.tags)}, {policy}" if self.tags else policy
