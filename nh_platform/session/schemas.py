"""The tables of a session: their columns, units of measure and meaning.

Add a table here before a codec or an asset writes it; tables over all sessions are in `source_schemas`, those of a
release in `release_schemas`. Column names are those of the field: IBL's ALF names for trials, AllenSDK's names for
stimulus presentations. No validation logic here; that is `nh_platform.session.columns`.
"""

from __future__ import annotations

from nh_platform.session.change_detection_schemas import CHANGE_TRIALS, IMAGE_TEMPLATES, REWARDS, TRIAL_LICKS
from nh_platform.session.columns import Column, ColumnFamily, TableSchema

SESSION_ID = Column("session_id", "string", "-", "Upstream session id: IBL eid or Allen ecephys_session_id")
_UNIT_ID = Column("unit_id", "string", "-", "Upstream unit id: IBL cluster uuid (else probe_cluster) or Allen unit id")
_PROBE = Column("probe", "string", "-", "Probe name within the session, for example probe00 or probeA")

SESSIONS = TableSchema(
    "sessions",
    (
        SESSION_ID,
        Column("subject", "string", "-", "Animal"),
        Column("lab", "string", "-", "Laboratory", nullable=True),
        Column("date", "string", "-", "Recording day, YYYY-MM-DD", nullable=True),
        Column("number", "uint16", "1", "Number of the session on that day"),
        Column("task_protocol", "string", "-", "Task protocol (IBL) or session type (Allen)", nullable=True),
        Column("projects", "string", "-", "Projects, comma-joined", nullable=True),
        Column("n_units_released", "float64", "1", "Units that upstream states, before any filter", nullable=True),
        Column("regions", "string", "-", "Region acronyms that upstream states, comma-joined", nullable=True),
        Column("performance", "float64", "1", "Share of correct easy trials that upstream states, 0-1", nullable=True),
        Column("qc", "string", "-", "Session QC that upstream states", nullable=True),
        Column("extended_qc", "string", "-", "Single checks of the session's QC, as one JSON object", nullable=True),
    ),
    key=("session_id",),
)

INSERTIONS = TableSchema(
    "insertions",
    (
        SESSION_ID,
        Column("insertion_id", "string", "-", "Upstream probe insertion id: IBL pid or Allen probe id"),
        _PROBE,
        Column("qc", "string", "-", "Insertion QC that upstream states", nullable=True),
        Column("alignment_resolved", "string", "-", "Whether the alignment is final: yes or no", nullable=True),
        Column("alignment_stored", "string", "-", "Alignment that upstream serves, by its time", nullable=True),
    ),
    key=("session_id", "insertion_id"),
)

FILES = TableSchema(
    "files",
    (
        SESSION_ID,
        Column("probe", "string", "-", "Probe that the file belongs to; empty for the whole session"),
        Column("group", "string", "-", "Asset groups that read it, comma-joined, or other"),
        Column("collection", "string", "-", "Upstream collection (ALF folder), for example alf/probe00/pykilosort"),
        Column("revision", "string", "-", "Upstream revision; empty where unrevised"),
        Column("name", "string", "-", "File name"),
        Column(
            "md5",
            "string",
            "-",
            "Hash of the content as upstream states it: md5, or blake2b of Visual Behavior",
            nullable=True,
        ),
        Column("size", "float64", "byte", "Size that upstream states; never identity", nullable=True),
        Column("qc", "string", "-", "Dataset QC that upstream states", nullable=True),
        Column("default_revision", "bool", "-", "Whether upstream serves this revision by default"),
        Column("tags", "string", "-", "Release tags, comma-joined", nullable=True),
        Column("dataset_id", "string", "-", "Upstream dataset id", nullable=True),
        Column("url", "string", "-", "Where upstream serves it", nullable=True),
    ),
    key=("session_id", "collection", "revision", "name"),
)

PROBES = TableSchema(
    "probes",
    (
        _PROBE,
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
        _UNIT_ID,
        _PROBE,
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
        _PROBE,
        Column("channel", "int64", "1", "Row of the channel within its probe"),
        Column("upstream_id", "int64", "1", "Raw index (IBL) or channel id (Allen)"),
        Column("lateral_um", "float64", "um", "Lateral position on the shank", nullable=True),
        Column("axial_um", "float64", "um", "Position along the shank, from the tip", nullable=True),
    ),
    key=("probe", "channel"),
)

_POSITION_COLUMNS = (
    Column("atlas_id", "int64", "-", "Allen CCF 2017 structure id, unsigned; 0 where outside or unlocated"),
    Column("acronym", "string", "-", "Allen structure acronym", nullable=True),
    Column("beryl", "string", "-", "Region in the Beryl parcellation (IBL)", nullable=True),
    Column("cosmos", "string", "-", "Region in the Cosmos parcellation (IBL)", nullable=True),
    Column("ccf_ap_um", "float64", "um", "Allen CCF position, anterior to posterior", nullable=True),
    Column("ccf_dv_um", "float64", "um", "Allen CCF position, dorsal to ventral", nullable=True),
    Column("ccf_ml_um", "float64", "um", "Allen CCF position, left to right", nullable=True),
    Column("x_m", "float64", "m", "IBL position from bregma, right positive", nullable=True),
    Column("y_m", "float64", "m", "IBL position from bregma, anterior positive", nullable=True),
    Column("z_m", "float64", "m", "IBL position from bregma, dorsal positive", nullable=True),
    Column("histology", "string", "-", "Where the position comes from: alf, allen, or unlocated"),
)

UNIT_POSITIONS = TableSchema("unit_positions", (_UNIT_ID, *_POSITION_COLUMNS), key=("unit_id",))

CHANNEL_POSITIONS = TableSchema(
    "channel_positions",
    (_PROBE, Column("channel", "int64", "1", "Row of the channel within its probe"), *_POSITION_COLUMNS),
    key=("probe", "channel"),
)

RELEASED = ColumnFamily(
    r"released\.[A-Za-z0-9_]+",
    ("float64", "float32", "int64", "uint8", "bool", "string"),
    "see the metric",
    "Metric or label as the release states it",
    shown="released.<name>",
)
RECOMPUTED = ColumnFamily(
    r"[a-z][a-z0-9]*\.[A-Za-z0-9_]+@[0-9A-Za-z.\-]+",
    ("float64", "float32", "int64", "uint8", "bool"),
    "see the metric",
    "Metric recomputed from the spikes, by definition id",
    shown="<definition id>",
)
LABEL = ColumnFamily(
    r"label\.[a-z0-9\-]+",
    ("float64",),
    "1",
    "Share of the rulebook's rules that the unit passes; 1 is a good unit",
    shown="label.<rulebook>",
    nullable=False,
)
FAILED_BITS = ColumnFamily(
    r"failed\.[a-z0-9\-]+",
    ("uint32",),
    "-",
    "Failed rules as bits, in the order of the rulebook; 0 is none",
    shown="failed.<rulebook>",
    nullable=False,
)
REASON = ColumnFamily(
    r"reason\.[a-z0-9\-]+",
    ("string",),
    "-",
    "Why the unit fails the rulebook, in words; empty where it passes",
    shown="reason.<rulebook>",
    nullable=False,
)
RULE = ColumnFamily(
    r"rule\.[a-z0-9\-]+\.[a-z0-9_]+",
    ("bool",),
    "-",
    "Whether the unit passes the rule",
    shown="rule.<rulebook>.<rule>",
    nullable=False,
)
PASS = ColumnFamily(
    r"pass\.[a-z0-9\-]+",
    ("bool",),
    "-",
    "Whether the unit is good by the rulebook, reviews included",
    shown="pass.<rulebook>",
    nullable=False,
)

UNITS = TableSchema(
    "units",
    (
        *RAW_UNITS.columns,
        *_POSITION_COLUMNS,
        Column("review", "string", "-", "Decision of the counted reviews: pass, fail, or none"),
    ),
    families=(RELEASED, RECOMPUTED, LABEL, FAILED_BITS, REASON, RULE, PASS),
    key=("unit_id",),
)

TRIALS = TableSchema(
    "trials",
    (
        Column("start_time", "float64", "s", "Start of the trial (ALF intervals_0)"),
        Column("stop_time", "float64", "s", "End of the trial (ALF intervals_1)"),
        Column("stimOn_times", "float64", "s", "Stimulus onset", nullable=True),
        Column("goCue_times", "float64", "s", "Go cue", nullable=True),
        Column("firstMovement_times", "float64", "s", "First movement of the wheel", nullable=True),
        Column("response_times", "float64", "s", "Response", nullable=True),
        Column("feedback_times", "float64", "s", "Reward or noise", nullable=True),
        Column("stimOff_times", "float64", "s", "Stimulus offset", nullable=True),
        Column("choice", "float64", "1", "+1 wheel clockwise (correct for left), -1 counter-clockwise, 0 no-go"),
        Column("contrastLeft", "float64", "1", "Contrast on the left, 0-1; NaN for a right stimulus", nullable=True),
        Column("contrastRight", "float64", "1", "Contrast on the right, 0-1; NaN for a left stimulus", nullable=True),
        Column("feedbackType", "float64", "1", "+1 rewarded, -1 not", nullable=True),
        Column("rewardVolume", "float64", "uL", "Reward", nullable=True),
        Column("probabilityLeft", "float64", "1", "Probability of a left stimulus in the block", nullable=True),
        Column("quiescencePeriod", "float64", "s", "Required quiescence before the stimulus", nullable=True),
    ),
)

PRESENTATIONS = TableSchema(
    "presentations",
    (
        Column("presentation_id", "int64", "1", "Number of the presentation, in order of start time"),
        Column("start_time", "float64", "s", "Start of the presentation"),
        Column("stop_time", "float64", "s", "End of the presentation"),
        Column("stimulus_name", "string", "-", "Stimulus type, for example drifting_gratings"),
        Column("stimulus_block", "float64", "1", "Block; NaN for spontaneous activity", nullable=True),
        Column("valid", "bool", "-", "False where a stimulus-scoped invalid interval overlaps the presentation"),
    ),
    families=(
        ColumnFamily(
            r"[A-Za-z][A-Za-z0-9_]*",
            ("float64", "string", "bool", "int64"),
            "see the stimulus",
            "Stimulus parameter as upstream names it; NaN or null where it does not apply",
            shown="<parameter>",
        ),
    ),
    key=("presentation_id",),
)

LICKS = TableSchema("licks", (Column("times", "float64", "s", "Lick"),))

WHEEL_MOVES = TableSchema(
    "wheel_moves",
    (
        Column("start_time", "float64", "s", "Start of the movement"),
        Column("stop_time", "float64", "s", "End of the movement"),
        Column("peak_amplitude", "float64", "rad", "Largest excursion of the movement", nullable=True),
    ),
)

PASSIVE_PERIODS = TableSchema(
    "passive_periods",
    (
        Column("start_time", "float64", "s", "Start of the period"),
        Column("stop_time", "float64", "s", "End of the period"),
        Column("name", "string", "-", "passiveProtocol, spontaneousActivity, RFM or taskReplay"),
    ),
)

PASSIVE_GABOR = TableSchema(
    "passive_gabor",
    (
        Column("start_time", "float64", "s", "Start of the Gabor patch"),
        Column("stop_time", "float64", "s", "End of the Gabor patch"),
        Column("position", "float64", "deg", "Azimuth of the patch", nullable=True),
        Column("contrast", "float64", "1", "Contrast, 0-1", nullable=True),
        Column("phase", "float64", "rad", "Phase", nullable=True),
    ),
)

PASSIVE_STIMS = TableSchema(
    "passive_stims",
    (
        Column("start_time", "float64", "s", "Start of the event"),
        Column("stop_time", "float64", "s", "End of the event"),
        Column("name", "string", "-", "valve, tone or noise"),
    ),
)

INVALID_TIMES = TableSchema(
    "invalid_times",
    (
        Column("start_time", "float64", "s", "Start of the invalid interval"),
        Column("stop_time", "float64", "s", "End of the invalid interval"),
        Column("scope", "string", "-", "What it spoils: all_probes, stimulus, optotagging or a probe name"),
        Column("label", "string", "-", "Reason as upstream states it", nullable=True),
    ),
)

OPTOGENETIC_EPOCHS = TableSchema(
    "optogenetic_epochs",
    (
        Column("start_time", "float64", "s", "Start of the light"),
        Column("stop_time", "float64", "s", "End of the light"),
        Column("condition", "string", "-", "Condition as upstream states it", nullable=True),
        Column("level", "float64", "V", "Level of the light command", nullable=True),
        Column("stimulus_name", "string", "-", "Stimulus name as upstream states it", nullable=True),
    ),
)

EVENTS: dict[str, TableSchema] = {
    schema.name: schema
    for schema in (
        TRIALS,
        CHANGE_TRIALS,
        TRIAL_LICKS,
        PRESENTATIONS,
        IMAGE_TEMPLATES,
        LICKS,
        REWARDS,
        WHEEL_MOVES,
        PASSIVE_PERIODS,
        PASSIVE_GABOR,
        PASSIVE_STIMS,
        INVALID_TIMES,
        OPTOGENETIC_EPOCHS,
    )
}

WINDOW_INDEX = TableSchema(
    "window_index",
    (
        Column("window_id", "int64", "1", "Row of the window within its preset"),
        Column("preset", "string", "-", "Window preset"),
        Column("start", "float64", "s", "Start of the window, included"),
        Column("stop", "float64", "s", "End of the window, excluded"),
        Column("start_bin", "int64", "1", "First bin on the session grid; -1 where the window has a grid of its own"),
        Column("n_bins", "int64", "1", "Number of bins"),
        Column("alignment", "string", "-", "Event that the window is aligned to; none for continuous windows"),
        Column("event_id", "int64", "1", "Row of the event in its table; -1 for continuous windows"),
        Column("event_time", "float64", "s", "Time of the event; NaN for continuous windows", nullable=True),
        Column("valid", "bool", "-", "False where an invalid interval of all probes or the stimulus overlaps"),
        Column("invalid_probes", "string", "-", "Probes with an overlapping invalid interval, comma-joined"),
    ),
    key=("preset", "window_id"),
)

WINDOW_MASKS = TableSchema(
    "window_masks",
    (
        Column("grid", "string", "-", "Counts that are masked: grid_<bin width>us or the id of an aligned preset"),
        Column("window_id", "int64", "1", "Window of the aligned preset; -1 for the grid of the whole session"),
        _PROBE,
        Column("start_bin", "int64", "1", "First masked bin; all units of the probe are 0 there"),
        Column("stop_bin", "int64", "1", "First bin after the masked ones"),
    ),
    key=("grid", "window_id", "probe", "start_bin"),
)

UNIT_EMBEDDINGS = TableSchema(
    "unit_embeddings",
    (_UNIT_ID, _PROBE, Column("n_spikes", "int64", "1", "Valid spikes of the unit in the reference window")),
    families=(
        ColumnFamily(
            r"[a-z][a-z0-9_]*",
            ("float32", "float64"),
            "see the feature",
            "Feature of the unit's firing; NaN where it is undefined",
            shown="<feature>",
        ),
    ),
    key=("unit_id",),
)

STIMULUS_PRESENTATIONS = TableSchema(
    "stimulus_presentations",
    (
        Column("presentation_id", "int64", "1", "Presentation in `behavior`; a movie has its first frame's"),
        Column("stimulus_name", "string", "-", "Stimulus as upstream names it"),
        Column("stimulus_type", "string", "-", "Type that it is filed under; variants with more repeats are joined"),
        Column("stimulus_block", "float64", "1", "Block of the session", nullable=True),
        Column("start_time", "float64", "s", "Start of the presentation"),
        Column("stop_time", "float64", "s", "End of the presentation"),
        Column("duration", "float64", "s", "Duration that the filter holds against the median"),
        Column("n_frames", "int64", "1", "Rows of `behavior` that were joined; 1 for all but movies"),
        Column("blank", "bool", "-", "Whether no stimulus was shown: a sweep without parameters, or scene -1"),
    ),
    families=(
        ColumnFamily(
            r"[A-Za-z][A-Za-z0-9_]*",
            ("float64",),
            "see the stimulus",
            "Stimulus parameter; NaN where the stimulus has no such one",
            shown="<parameter>",
        ),
    ),
    key=("presentation_id",),
)

STIMULUS_UNITS = TableSchema(
    "stimulus_units",
    (
        _UNIT_ID,
        _PROBE,
        Column("structure", "string", "-", "Allen structure acronym, the group that the unit is filed under"),
        Column("row", "int64", "1", "Row of the unit in the units table"),
    ),
    key=("unit_id",),
)
