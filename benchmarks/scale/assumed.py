"""What the projection assumes: releases, prices and machines, read from a YAML file that everybody may change.

Contains the models of ``assumed.yaml``. Add here a price or a property of a release when `projection` uses it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text

SHIPPED = Path(__file__).with_name("assumed.yaml")

_Positive = Annotated[float, Field(gt=0)]
_NotNegative = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Release(_Strict):
    """A release of a source as it is published: sessions, units, and the bytes of its files.

    Parameters
    ----------
    title
        What it is called.
    n_sessions, n_units
        Of the whole release.
    spikes_per_unit
        Mean.
    raw_bytes_per_session, raw_bytes_per_spike
        Bytes of the files that are downloaded.
    """

    title: str
    n_sessions: Annotated[int, Field(gt=0)]
    n_units: Annotated[int, Field(gt=0)]
    spikes_per_unit: _Positive
    raw_bytes_per_session: _NotNegative
    raw_bytes_per_spike: _NotNegative = 0.0

    @property
    def units(self) -> float:
        """Units of a session."""
        return self.n_units / self.n_sessions

    @property
    def spikes(self) -> float:
        """Spikes of a session."""
        return self.units * self.spikes_per_unit

    @property
    def raw_bytes(self) -> float:
        """Bytes of a session's files."""
        return self.raw_bytes_per_session + self.spikes * self.raw_bytes_per_spike


class Prices(_Strict):
    """Prices of a cloud, in its ``currency``: an hour of a CPU, a month of a gigabyte (10⁹ bytes), 1,000 requests."""

    currency: str
    cpu_hour: _NotNegative
    bucket_gb_month: _NotNegative
    disk_gb_month: _NotNegative
    writes_per_1000: _NotNegative
    reads_per_1000: _NotNegative
    out_gb: _NotNegative
    database_month: _NotNegative
    server_month: _NotNegative


class Machine(_Strict):
    """Where a release may be made.

    Parameters
    ----------
    title
        What it is called.
    cores, memory_gb
        Virtual CPUs and memory [10⁹ bytes], of all workers together.
    disk_gb
        Its disk [10⁹ bytes]; none where outputs lie in a bucket.
    download_mb_s
        Speed of downloads [10⁶ bytes/s].
    runs
        Sessions that it makes at a time, where that is fewer than cores and memory allow.
    """

    title: str
    cores: Annotated[int, Field(gt=0)]
    memory_gb: _Positive
    disk_gb: _Positive | None = None
    download_mb_s: _Positive
    runs: Annotated[int, Field(gt=0)] | None = None


class Assumed(_Strict):
    """All that is assumed, and the day on which it was stated."""

    stated: str
    releases: dict[str, Release]
    prices: Prices
    machines: dict[str, Machine]


def read_assumed(path: Path = SHIPPED) -> Assumed:
    """Return what a file assumes.

    Raises
    ------
    ConfigError
        If it states something else than the models, with file, line and key.
    """
    return checked(parse_yaml(read_text(path), path.name), Assumed)
