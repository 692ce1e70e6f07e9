"""Eye tracking of a Visual Behavior session as AllenSDK returns it: likely blinks determined anew at every read.

Contains that computation. What the file itself says of blinks is column ``likely_blink`` of the signal ``pupil``. Add
here what else AllenSDK does to eye tracking when it reads a file.
"""

from __future__ import annotations

import pandas as pd

from nh_platform.session import ConfigError, SchemaError, Signal

Z_THRESHOLD, DILATION_FRAMES = 3.0, 2
"""Defaults of AllenSDK 2.16.2, `EyeTrackingTable.from_nwb`."""

_SHORT = {"cr": "corneal_reflection", "eye": "eye", "pupil": "pupil"}
"""What AllenSDK calls the three ellipses, and the signal."""

_HALVED = ("width", "height")
"""Half axes at AllenSDK and in the file, full ones in the signal."""


def eye_tracking_as_allensdk(
    pupil: Signal, z_threshold: float = Z_THRESHOLD, dilation_frames: int = DILATION_FRAMES
) -> pd.DataFrame:
    """Return the ellipse fits with AllenSDK's names, half axes and blinks (2.16.2 `EyeTrackingTable.from_nwb`).

    A frame is a likely blink where eye or pupil have no area, or one of the two areas is more than ``z_threshold``
    standard deviations from its mean, and ``dilation_frames`` frames before and after such a one. There the areas of
    all three, and width, height and phi of eye and pupil, are NaN; those of the corneal reflection are not.

    Parameters
    ----------
    pupil
        Signal ``pupil`` of a Visual Behavior session.
    z_threshold, dilation_frames
        As of AllenSDK.

    Returns
    -------
    pandas.DataFrame
        Index ``frame``; ``timestamps`` [s], ``<cr|eye|pupil>_<center_x|center_y|width|height>`` [px], ``_phi`` [rad],
        ``_area`` and ``_area_raw`` [px²], ``likely_blink``. Frames without a time, which the signal leaves out, are not
        in it.

    Raises
    ------
    SchemaError
        If the signal has no areas, as Visual Coding's.
    ConfigError
        If the number of frames is negative.
    """
    from scipy import ndimage, stats

    signal = pd.DataFrame(pupil.values.copy(), columns=list(pupil.columns))
    if lacking := [f"{name}_area" for name in _SHORT.values() if f"{name}_area" not in signal]:
        raise SchemaError(
            "eye tracking", f"the signal pupil has no {', '.join(lacking)}", "Use `signal('pupil')` of this source."
        )
    if dilation_frames < 0:
        raise ConfigError("dilation_frames", f"{dilation_frames}", "Give 0 or more frames.")
    areas = signal[["eye_area", "pupil_area"]]
    is_far = (areas.apply(stats.zscore, nan_policy="omit").abs() > z_threshold).any(axis=1)
    blinks = (areas.isna().any(axis=1) | is_far).to_numpy()
    if dilation_frames:
        blinks = ndimage.binary_dilation(blinks, iterations=dilation_frames)
    table = pd.DataFrame({"timestamps": pupil.timestamps}, index=pd.RangeIndex(len(signal), name="frame"))
    for short, name in _SHORT.items():
        table[f"{short}_area"] = signal[f"{name}_area"].mask(blinks)
    table["likely_blink"] = blinks
    for short in ("pupil", "cr", "eye"):
        table[f"{short}_area_raw"] = signal[f"{_SHORT[short]}_area"]
    for short, name in _SHORT.items():
        for field in ("center_x", "center_y", "width", "height", "phi"):
            values = signal[f"{name}_{field}"] / (2.0 if field in _HALVED else 1.0)
            is_hidden = short != "cr" and not field.startswith("center")
            table[f"{short}_{field}"] = values.mask(blinks) if is_hidden else values
    return table
