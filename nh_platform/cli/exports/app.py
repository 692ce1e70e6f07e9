"""`nh export`: the group of its commands.

Add a command here by its module.
"""

from __future__ import annotations

import typer

from nh_platform.cli.exports.card import card
from nh_platform.cli.exports.files import hdf5, npy, npz, parquet
from nh_platform.cli.exports.nwb import nwb
from nh_platform.cli.exports.spikes import spikes
from nh_platform.cli.exports.stimulus import pictures, stimulus
from nh_platform.cli.exports.torch_brain import torch_brain

app = typer.Typer(no_args_is_help=True, help="Writes what the store holds in layouts that other tools read.")

for _command in (torch_brain, nwb, hdf5, npz, npy, parquet, spikes, stimulus, pictures, card):
    app.command()(_command)
