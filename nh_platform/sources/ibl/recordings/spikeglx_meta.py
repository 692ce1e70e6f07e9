"""What SpikeGLX's ``.meta`` says of a file with the LFP band: rate, channels, and volts of one step of the samples.

Source of keys and formula: SpikeGLX's metadata guide (billkarsh.github.io/SpikeGLX, Metadata_30 and imroTables), and
`spikeglx._conversion_sample2v_from_meta` of ibl-neuropixel 1.14.0, with which tests compare:
``volts = sample * imAiRangeMax / imMaxInt / gain``. `imMaxInt` is 512 where it is not stated (Neuropixels 1.0, 10
bits). The gain of Neuropixels 1.0 is that of each channel's entry of ``imroTbl``; that of 2.0 is ``imChan0apGain``,
else 80 of the prototypes (NP2000, NP2010) and 100 of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nh_platform.session import BadUpstreamData

MAX_INT_NP1 = 512
NP2_TYPES = frozenset({"21", "24", "2003", "2004", "2013", "2014", "2020", "2021"})
"""``imDatPrb_type`` of Neuropixels 2.0 (SpikeGLX' imroTables); their entries of ``imroTbl`` have no gains."""

GAIN_OF_PROTOTYPES, GAIN_NP2 = 80.0, 100.0
PROTOTYPES = ("NP2000", "NP2010")
LFP_GAIN = 4
"""Place of the LFP gain in an entry of ``imroTbl`` of Neuropixels 1.0: channel, bank, reference, AP gain, LFP gain."""

_ENTRY = re.compile(r"\((\d+(?: \d+)+)\)")


@dataclass(frozen=True)
class SampleScale:
    """What a ``.meta`` states of the samples beside it.

    Parameters
    ----------
    sampling_rate
        Hz.
    n_saved
        Channels of the file, those of synchronisation included, which are the last ones.
    channels
        (n_lfp,) number on the probe of each LFP channel, in the order of the file.
    volts_per_step
        (n_lfp,) float32, volts of one step of each.
    n_bytes
        Bytes of the samples, uncompressed; None where not stated.
    """

    sampling_rate: float
    n_saved: int
    channels: npt.NDArray[np.int64]
    volts_per_step: npt.NDArray[np.float32]
    n_bytes: int | None = None


def read_scale(path: Path, label: str) -> SampleScale:
    """Read the ``.meta`` of a file with the LFP band.

    Parameters
    ----------
    path
        The file.
    label
        What a person calls it.

    Raises
    ------
    BadUpstreamData
        If it is no such file, or lacks what the conversion to volts needs.
    """
    try:
        lines = [line.partition("=") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
        stated = {key.lstrip("~"): value for key, is_stated, value in lines if is_stated}
        return _scale(stated)
    except KeyError as error:
        raise BadUpstreamData(label, f"it states no {error.args[0]}", "Fetch it again.") from error
    except (ValueError, OSError) as error:
        raise BadUpstreamData(label, f"it cannot be used: {error}", "Fetch it again.") from error


def _scale(stated: Mapping[str, str]) -> SampleScale:
    n_saved = int(stated["nSavedChans"])
    n_ap, n_lfp, n_sync = (int(number) for number in stated["snsApLfSy"].split(","))
    if n_ap or not n_lfp or n_lfp + n_sync != n_saved:
        raise ValueError(f"snsApLfSy={n_ap},{n_lfp},{n_sync} is not that of a file with the LFP band of {n_saved}")
    rate = float(stated["imSampRate"])
    if not rate > 0:
        raise ValueError(f"imSampRate={rate:g}")
    channels = _channels(stated, n_lfp)
    range_max = float(stated["imAiRangeMax"])
    n_bytes = int(stated["fileSizeBytes"]) if "fileSizeBytes" in stated else None
    if stated.get("imDatPrb_type") in NP2_TYPES:
        # The saved bands of 2.0 are one; its lf files are made of it by IBL's pipeline.
        named = stated.get("imChan0apGain")
        prototype = stated.get("imDatPrb_pn", PROTOTYPES[0]) in PROTOTYPES
        gain = float(named) if named else (GAIN_OF_PROTOTYPES if prototype else GAIN_NP2)
        step = range_max / int(stated["imMaxInt"]) / gain
        return SampleScale(rate, n_saved, channels, np.full(n_lfp, step, dtype=np.float32), n_bytes)
    gains = _gains(stated["imroTbl"], channels)
    volts = np.float32(1) / gains * (range_max / int(float(stated.get("imMaxInt", MAX_INT_NP1))))
    return SampleScale(rate, n_saved, channels, volts.astype(np.float32), n_bytes)


def _channels(stated: Mapping[str, str], n_lfp: int) -> npt.NDArray[np.int64]:
    """Return the number on the probe of each saved LFP channel; ``snsSaveChanSubset`` counts them after the AP ones."""
    subset = stated.get("snsSaveChanSubset", "all").strip()
    if not re.fullmatch(r"[\d:,]+", subset):
        return np.arange(n_lfp, dtype=np.int64)
    n_ap = int(stated.get("acqApLfSy", f"{n_lfp},{n_lfp},1").split(",")[0])
    numbers: list[int] = []
    for part in subset.split(","):
        first, _, last = part.partition(":")
        numbers += range(int(first), int(last or first) + 1)
    of_band = [number - n_ap for number in numbers if number >= n_ap][:n_lfp]
    # Files that a pipeline made keep the subset of the file of the AP band that they were made of.
    for found in (of_band, [number for number in numbers if number < n_ap]):
        if len(found) == n_lfp:
            return np.array(found, dtype=np.int64)
    return np.arange(n_lfp, dtype=np.int64)


def _gains(table: str, channels: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    entries = [[int(number) for number in entry.split(" ")] for entry in _ENTRY.findall(table)]
    by_channel = {entry[0]: float(entry[LFP_GAIN]) for entry in entries if len(entry) > LFP_GAIN}
    lacking = [int(channel) for channel in channels if by_channel.get(int(channel), 0.0) <= 0]
    if lacking:
        raise ValueError(f"imroTbl has no LFP gain of {len(lacking)} of {len(channels)} channels, first {lacking[0]}")
    return np.array([by_channel[int(channel)] for channel in channels], dtype=np.float32)
