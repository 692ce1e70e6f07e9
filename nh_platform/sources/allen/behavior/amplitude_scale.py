"""The scale of Visual Behavior waveform amplitudes, by release.

Contains the one decision whether a session's amplitudes are twice too large. Add here a further fault of scale that a
release mends. Spike amplitudes (volts, from the sorter's templates) were right in every release.

Before release 0.5.0 the mean waveforms, and with them the unit metric ``amplitude``, were twice too large in all but 15
of 153 sessions. Which 15 is not written in the older release. A session's file that 0.5.0 left as it was had the right
scale; else the amplitudes that both releases state for the same units tell; with an older release alone, twice too
large is the better guess, and is noted as one.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.session import Note
from nh_platform.sources.allen.behavior.cloud_cache import Release, version_order
from nh_platform.sources.allen.behavior.release_tables import read_amplitudes

MENDED_IN = "0.5.0"
HALF = 0.5
TOLERANCE = 0.05
FILE_NAME = "amplitude_scale"
"""Name under which the scale is listed among a session's files, since it is part of what its amplitudes are."""


def is_mended(release: Release) -> bool:
    """Return whether a release has the right scale throughout."""
    return version_order(release.version) >= version_order(MENDED_IN)


def amplitude_scales(release: Release, paths: dict[str, str], mended: Release | None) -> dict[str, float]:
    """Return the factor for the amplitudes of every session whose scale is wrong; empty for releases from 0.5.0 on.

    Parameters
    ----------
    release
        The release that is read.
    paths
        Path of every session's file in the release, by session id.
    mended
        A release from 0.5.0 on, if one is at hand.
    """
    if is_mended(release):
        return {}
    scales = dict.fromkeys(paths, HALF)
    if mended is None:
        return scales
    ratios = _ratios(release, mended)
    for session_id, path in paths.items():
        later = mended.files.get(path)
        unchanged = later is not None and later.file_hash == release.files[path].file_hash
        ratio = ratios.get(session_id)
        if unchanged or (ratio is not None and abs(ratio - 1.0) < TOLERANCE):
            del scales[session_id]
    return scales


def scale_note(scale: float) -> Note:
    """Return what a reader should know of the amplitudes."""
    return Note(
        "amplitude",
        f"multiplied by {scale:g}: before release {MENDED_IN} waveform amplitudes were twice too large in all but 15 "
        f"sessions (which ones is certain only with release {MENDED_IN} at hand); released.amplitude is as stated",
    )


def _ratios(old: Release, new: Release) -> dict[str, float]:
    """Return the median ratio of the amplitudes that both releases state for the same units, by session."""
    if not (old.table_path("units").is_file() and new.table_path("units").is_file()):
        return {}
    both = read_amplitudes(old).merge(
        read_amplitudes(new)[["unit_id", "amplitude"]], on="unit_id", suffixes=("", "_new")
    )
    both = both[(both["amplitude_new"] > 0) & both["amplitude"].notna()]
    ratio = (both["amplitude"] / both["amplitude_new"]).groupby(both["ecephys_session_id"]).median()
    return {str(session_id): float(value) for session_id, value in ratio.items() if pd.notna(value)}
