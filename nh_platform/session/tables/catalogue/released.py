"""The tables of a whole release as upstream publishes them: sessions, probes, channels and units without session files.

What identifies a row and where it lies comes first, in the words of every source; all else follows under upstream's own
name. Add a column here when every source can state one more. What is made of single sessions is a folder higher.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.catalogue.manifest import PROBE, SESSION_ID
from nh_platform.session.tables.units import CCF_ML_MEANING

STATED = ColumnPattern(
    r"[A-Za-z_#][A-Za-z0-9_.\-# ]*",
    ("float64", "float32", "int64", "int32", "uint8", "bool", "string"),
    "as upstream has it",
    "What the release states, under its own name; units of measure are upstream's",
    shown="<upstream's name>",
)

INSERTION_ID = Column("insertion_id", "string", "-", "Upstream probe insertion id: IBL pid or Allen probe id")

_PLACE = (
    Column("acronym", "string", "-", "Allen structure acronym that the release states", nullable=True),
    Column("beryl", "string", "-", "Region in the Beryl parcellation (IBL)", nullable=True),
    Column("cosmos", "string", "-", "Region in the Cosmos parcellation (IBL)", nullable=True),
    Column("ccf_ap_um", "float64", "um", "Allen CCF position, anterior to posterior", nullable=True),
    Column("ccf_dv_um", "float64", "um", "Allen CCF position, dorsal to ventral", nullable=True),
    Column("ccf_ml_um", "float64", "um", CCF_ML_MEANING, nullable=True),
)

SESSION_FACTS = (
    Column("sex", "string", "-", "Sex of the animal: F or M", nullable=True),
    Column("age_in_days", "float64", "d", "Age of the animal", nullable=True),
    Column("genotype", "string", "-", "Genotype of the animal", nullable=True),
    Column("image_set", "string", "-", "Image set that was shown", nullable=True),
    Column("experience_level", "string", "-", "Whether the image set was Familiar or Novel", nullable=True),
    Column("prior_exposures_to_image_set", "float64", "1", "Earlier sessions with the image set", nullable=True),
    Column("prior_exposures_to_omissions", "float64", "1", "Earlier sessions with omitted images", nullable=True),
    Column("equipment_name", "string", "-", "Rig", nullable=True),
    Column("channel_count", "float64", "1", "Channels of the session", nullable=True),
)
"""What a release states of a session and a search can ask for; null where it does not."""

RELEASED_SESSIONS = TableSchema(
    "released_sessions", (SESSION_ID, *SESSION_FACTS), patterns=(STATED,), key=("session_id",)
)

RELEASED_PROBES = TableSchema(
    "released_probes", (SESSION_ID, INSERTION_ID, PROBE), patterns=(STATED,), key=("insertion_id",)
)

RELEASED_CHANNELS = TableSchema(
    "released_channels",
    (
        SESSION_ID,
        INSERTION_ID,
        PROBE,
        Column("channel_id", "string", "-", "Allen channel id, or row of the channel within its probe"),
        *_PLACE,
    ),
    patterns=(STATED,),
    key=("insertion_id", "channel_id"),
)

RELEASED_UNITS = TableSchema(
    "released_units",
    (
        SESSION_ID,
        INSERTION_ID,
        PROBE,
        Column("unit_id", "string", "-", "Allen unit id, IBL cluster uuid, or number of the cluster within its probe"),
        *_PLACE,
    ),
    patterns=(STATED,),
    key=("insertion_id", "unit_id"),
)

RELEASED_ANALYSIS_METRICS = TableSchema(
    "released_analysis_metrics",
    (
        SESSION_ID,
        INSERTION_ID,
        PROBE,
        Column("unit_id", "string", "-", "Allen unit id"),
        *_PLACE,
        Column("session_type", "string", "-", "Type of the sessions that the metrics are of"),
    ),
    patterns=(STATED,),
    key=("insertion_id", "unit_id"),
)
"""How units answered the stimuli, as Allen's own analysis has it: preferred orientation, receptive field, p-values."""

RELEASED_REGIONS = TableSchema(
    "released_regions",
    (
        SESSION_ID,
        INSERTION_ID,
        Column("acronym", "string", "-", "Allen structure acronym that the release states"),
        Column("beryl", "string", "-", "Region in the Beryl parcellation (IBL)", nullable=True),
        Column("cosmos", "string", "-", "Region in the Cosmos parcellation (IBL)", nullable=True),
        Column("channels", "int64", "1", "Channels of the insertion there; 0 where the release tabulates none"),
        Column("units", "int64", "1", "Units of the insertion there, before any filter; 0 where it tabulates none"),
    ),
    key=("insertion_id", "acronym"),
)

PROBE_CATALOG = TableSchema(
    "probe_catalog",
    (
        Column("source", "string", "-", "Source, for example ibl"),
        INSERTION_ID,
        SESSION_ID,
        Column("probe", "string", "-", "Probe name within the session; empty where it is not known"),
        Column("number", "float64", "1", "Number of the session on that day", nullable=True),
        Column("date", "string", "-", "Day of the recording, YYYY-MM-DD; empty where it is not known"),
        Column("subject", "string", "-", "Animal; empty where it is not known"),
        Column("lab", "string", "-", "Lab; empty where upstream names none"),
        Column("qc", "string", "-", "Insertion QC that upstream states", nullable=True),
        Column("alignment_resolved", "string", "-", "Whether the alignment is final: yes or no", nullable=True),
        Column("sorter", "string", "-", "Spike sorter that the collection of the spikes names", nullable=True),
        Column("revision", "string", "-", "Revision of the spikes; empty where unrevised", nullable=True),
        Column("sorter_log", "string", "-", "Path of the sorter's log within the session", nullable=True),
        Column("channels", "float64", "1", "Channels, of the region where one is asked for", nullable=True),
        Column("units", "float64", "1", "Units before any filter, of the region where one is asked for", nullable=True),
        Column("regions", "string", "-", "Structures, most channels and units first, comma-separated"),
    ),
    key=("source", "insertion_id"),
)
