"""The asset `pose`: body parts in the videos, made where `also_assets` asks for it.

Change here what is stored and shown of body parts. Reading upstream's files belongs to the source.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from nh_platform.assets.inputs import SessionInputs
from nh_platform.assets.record import AssetResult, SessionAsset, files_not_had, note_texts, origin_texts
from nh_platform.session import ConfigError, Signals
from nh_platform.session.tables.pose import CERTAIN, POSE_PARTS
from nh_platform.sources.source import PoseSource
from nh_platform.store.codecs.parquet import write_table
from nh_platform.store.codecs.recording_files import write_signals


def make(inputs: SessionInputs) -> AssetResult:
    """Read every part of every camera, and count how often each was found."""
    upstream = inputs.upstream
    if not isinstance(upstream, PoseSource):
        raise ConfigError("asset pose", f"{inputs.source} has no body parts", "Remove it from `also_assets`.")
    read = upstream.read_pose(inputs.files)
    parts = _parts(read)

    def write(folder: Path) -> None:
        write_signals(folder, read)
        write_table(folder / "pose_parts.parquet", parts, POSE_PARTS)

    return AssetResult(
        write=write,
        rows=len(parts),
        shown={"signals": [{"signal": name, "samples": len(one.timestamps)} for name, one in read.signals.items()]},
        notes=note_texts(read.notes),
        not_had=files_not_had(read.notes),
        origins=origin_texts(read.notes),
    )


def _parts(read: Signals) -> pd.DataFrame:
    rows = []
    for name, signal in sorted(read.signals.items()):
        _, tracker, camera = name.split("_")
        likelihoods = {column: i for i, column in enumerate(signal.columns) if column.endswith("_likelihood")}
        for column, i in likelihoods.items():
            certain = signal.values[:, i] >= CERTAIN
            share = float(certain.mean()) if len(certain) else np.nan
            part = column.removesuffix("_likelihood")
            rows.append((name, camera, tracker, part, len(certain), share))
    return POSE_PARTS.conform(pd.DataFrame(rows, columns=POSE_PARTS.names))


ASSET = SessionAsset(
    name="pose",
    code_version="1",
    description=(
        "Body parts in the videos as DeepLabCut and Lightning Pose found them: x and y in pixels and a likelihood per "
        "frame, with the times of the camera in seconds on the session clock. Nothing is thresholded. Made on request."
    ),
    kinds=frozenset({"hdf5", "parquet"}),
    tables=((POSE_PARTS, "pose_parts.parquet"),),
    make=make,
    groups=("pose",),
    of_every_source=False,
)
