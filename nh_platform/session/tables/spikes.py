"""The tables of `raw_spikes`: probes, units and channels of one spike sorting, before any quality metric.

Add a column here when every sorting has one more. Metrics and brain regions are columns of `units`.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE

UNIT_ID = Column("unit_id", "string", "-", "Upstream unit id: IBL cluster uuid (else probe_cluster) or Allen unit id")

PROBES = TableSchema(
    "probes",
    (
        PROBE,
        Column("insertion_id", "string", "-", "Upstream probe insertion id", nullable=True),
        Column("collection", "string", "-", "Collection that the sorting was read from"),
        Column("revision", "string", "-", "Revision that the sorting was read from; empty where unrevised"),
        Column("sorter", "string", "-", "Spike sorter that the collection names", nullable=True),
        Column("sampling_rate", "float64", "Hz", "Sampling rate that upstream states", nullable=True),
    ),
    key=("probe",),
)

RAW_UNITS = TableSchema(
    "raw_units",
    (
        UNIT_ID,
        PROBE,
        Column("cluster_id", "int64", "1", "Number of the cluster on its probe"),
        Column("channel", "int64", "1", "Row of the peak channel within the probe's channels; -1 where unknown"),
        Column("depth", "float64", "um", "Depth of the cluster from the probe tip", nullable=True),
        Column("amplitude", "float64", "V", "Amplitude of the cluster that upstream states", nullable=True),
        Column("peak_to_trough", "float64", "ms", "Signed peak-to-trough duration of the waveform", nullable=True),
        Column("n_spikes", "int64", "1", "Spikes of the unit in this session"),
    ),
    key=("unit_id",),
)

RAW_CHANNELS = TableSchema(
    "raw_channels",
    (
        PROBE,
        Column("channel", "int64", "1", "Row of the channel within its probe"),
        Column("upstream_id", "int64", "1", "Raw index (IBL) or channel id (Allen)"),
        Column("lateral_um", "float64", "um", "Lateral position on the shank", nullable=True),
        Column("axial_um", "float64", "um", "Position along the shank, from the tip", nullable=True),
    ),
    key=("probe", "channel"),
)
