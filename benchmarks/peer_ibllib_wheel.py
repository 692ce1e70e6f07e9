"""Runs inside the ibllib environment: speed, acceleration and movements of a wheel by brainbox.

``python peer_ibllib_wheel.py INPUT.npz OUTPUT.npz``. INPUT has timestamps (s) and position (rad) of the encoder.
"""

from __future__ import annotations

import sys

import brainbox.behavior.wheel as wheel
import numpy as np
from ibllib.io.extractors.training_wheel import extract_wheel_moves


def main() -> None:
    with np.load(sys.argv[1]) as stored:
        timestamps, position = stored["timestamps"], stored["position"]
    even, times = wheel.interpolate_position(timestamps, position, freq=1000)
    velocity, acceleration = wheel.velocity_filtered(even, fs=1000)
    found = {"times": times, "position": even, "velocity": velocity, "acceleration": acceleration}
    if np.isfinite(position).all():
        moved, onset = wheel.cm_to_rad(wheel.samples_to_cm(np.array([8, 1.5])))
        names = ("onsets", "offsets", "peak_amplitudes", "peak_velocity_times")
        detected = wheel.movements(times, even, freq=1000, pos_thresh=moved, pos_thresh_onset=onset)
        found |= dict(zip(names, detected)) | {"extracted": extract_wheel_moves(timestamps, position)["intervals"]}
    np.savez(sys.argv[2], **found)


if __name__ == "__main__":
    main()
