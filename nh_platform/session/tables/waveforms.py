"""The table of `mean_waveforms`: one row per unit beside the array of its waveform.

Add a column here when every waveform gets one more. Metrics of a waveform are columns of `units`.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.spikes import UNIT_ID

WAVEFORM_UNITS = TableSchema(
    "waveform_units",
    (
        UNIT_ID,
        Column("peak_channel", "int64", "1", "Number of the peak channel on the probe; -1 where unknown"),
        Column("n_channels", "int64", "1", "Channels of which there is a waveform; 0 where upstream has none"),
        Column("sampling_rate", "float64", "Hz", "Samples per second of the waveform"),
        Column(
            "peak_to_peak",
            "float64",
            "V",
            "Largest less smallest value on the channel where that is largest",
            nullable=True,
        ),
    ),
    key=("unit_id",),
)
