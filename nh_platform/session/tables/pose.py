"""The table of `pose`: which body parts were found in which video.

Add a column here when every part gets one more. Where the parts are, frame by frame, is in the signals.
"""

from nh_platform.session.columns import Column, TableSchema

CERTAIN = 0.9
"""Likelihood from which brainbox 4.1.0 `SessionLoader.load_pose` keeps a point."""

POSE_PARTS = TableSchema(
    "pose_parts",
    (
        Column("signal", "string", "-", "Signal with the part's columns, pose_<tracker>_<camera>"),
        Column("camera", "string", "-", "left, right or body"),
        Column("tracker", "string", "-", "dlc (DeepLabCut) or lightningPose"),
        Column("part", "string", "-", "Body part as upstream names it, for example paw_l"),
        Column("n_frames", "int64", "1", "Frames of the video"),
        Column("share_certain", "float64", "1", "Share of frames with a likelihood of at least 0.9", nullable=True),
    ),
    key=("signal", "part"),
)
