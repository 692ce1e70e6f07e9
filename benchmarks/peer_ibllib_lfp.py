"""Runs inside the ibllib environment: LFP written by mtscomp and read by spikeglx.

``python peer_ibllib_lfp.py FILE OUTPUT.npz``. FILE is a ``.lf.bin`` or ``.lf.cbin`` with its ``.meta`` (and ``.ch``); a
``.bin`` is compressed beside. OUTPUT has the volts (n_samples, n_channels) that spikeglx reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mtscomp
import numpy as np
import spikeglx


def main() -> None:
    path, out = Path(sys.argv[1]), Path(sys.argv[2])
    meta = spikeglx.read_meta_data(path.with_suffix(".meta"))
    if path.suffix == ".bin":
        compressed = path.with_suffix(".cbin")
        rate, n_channels = float(meta["imSampRate"]), int(meta["nSavedChans"])
        mtscomp.compress(
            path, compressed, path.with_suffix(".ch"), sample_rate=rate, n_channels=n_channels, dtype=np.int16
        )
        path = compressed
    with spikeglx.Reader(path, sort=False) as reader:
        np.savez(out, volts=reader[:], rate=reader.fs, nsync=reader.nsync)


if __name__ == "__main__":
    main()
