"""The tables of `noise`: noise and power of every channel, and of every insertion what the RIGOR criteria ask.

Add a column here when upstream states another noise of a channel. How an insertion's values follow is
`nh_platform.qc.probe_noise`.
"""

from nh_platform.session.columns import Column, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE

NOISE_CHANNELS = TableSchema(
    "noise_channels",
    (
        PROBE,
        Column("channel", "int64", "1", "Row of the channel within its probe"),
        Column(
            "ap_rms", "float64", "V", "RMS of the AP band, destriped; median of 1 s snippets over time", nullable=True
        ),
        Column("ap_rms_raw", "float64", "V", "The same before destriping", nullable=True),
        Column("ap_rms_over_time", "float64", "V", "Median over time of the RMS map of the AP band", nullable=True),
        Column("lf_rms_over_time", "float64", "V", "Median over time of the RMS map of the LF band", nullable=True),
        Column("lfp_power", "float64", "dB", "Mean over 20-80 Hz of 10 log10 of the power in V²/Hz", nullable=True),
        Column("theta_power", "float64", "dB", "Mean over 6-12 Hz of 10 log10 of the power in V²/Hz", nullable=True),
    ),
    key=("probe", "channel"),
)

NOISE_PROBES = TableSchema(
    "noise_probes",
    (
        PROBE,
        Column("n_channels", "int64", "1", "Channels of the sorting"),
        Column("rms_ap_p90", "float64", "uV", "90th percentile over channels of ap_rms", nullable=True),
        Column(
            "lfp_derivative",
            "float64",
            "dB",
            "Median over channels of the absolute slope of the LFP power",
            nullable=True,
        ),
    ),
    key=("probe",),
)
