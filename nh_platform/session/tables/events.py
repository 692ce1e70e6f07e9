"""The event tables of a session: trials, presentations, licks, passive periods, intervals that are not valid.

Add a table here when a source has events that no other table describes, and list it in `EVENTS`; in `DETECTED` what
upstream detected in a signal, which changes with that signal.
"""

from nh_platform.session.columns import Column, ColumnPattern, TableSchema
from nh_platform.session.tables.change_detection import (
    CHANGE_TRIALS,
    IMAGE_TEMPLATES,
    REWARDS,
    SESSION_METADATA,
    TASK_PARAMETERS,
    TRIAL_LICKS,
)

TRIALS = TableSchema(
    "trials",
    (
        Column("start_time", "float64", "s", "Start of the trial (ALF intervals_0)"),
        Column("stop_time", "float64", "s", "End of the trial (ALF intervals_1)", nullable=True),
        Column("stimOn_times", "float64", "s", "Stimulus onset", nullable=True),
        Column("goCue_times", "float64", "s", "Go cue", nullable=True),
        Column("firstMovement_times", "float64", "s", "First movement of the wheel", nullable=True),
        Column("response_times", "float64", "s", "Response", nullable=True),
        Column("feedback_times", "float64", "s", "Reward or noise", nullable=True),
        Column("stimOff_times", "float64", "s", "Stimulus offset", nullable=True),
        Column(
            "choice",
            "float64",
            "1",
            "+1 wheel clockwise (correct for left), -1 counter-clockwise, 0 no-go",
            nullable=True,
        ),
        Column("contrastLeft", "float64", "1", "Contrast on the left, 0-1; NaN for a right stimulus", nullable=True),
        Column("contrastRight", "float64", "1", "Contrast on the right, 0-1; NaN for a left stimulus", nullable=True),
        Column("feedbackType", "float64", "1", "+1 rewarded, -1 not", nullable=True),
        Column("rewardVolume", "float64", "uL", "Reward", nullable=True),
        Column("probabilityLeft", "float64", "1", "Probability of a left stimulus in the block", nullable=True),
        Column("quiescencePeriod", "float64", "s", "Required quiescence before the stimulus", nullable=True),
        Column(
            "reaction_time",
            "float64",
            "s",
            "Go cue to first movement, firstMovement_times - goCue_times (ibl.reaction_time@brainbox-4.1); "
            "negative where the movement began before the cue",
            nullable=True,
        ),
        Column("goCueTrigger_times", "float64", "s", "Command that starts the go cue", nullable=True),
        Column("stimOnTrigger_times", "float64", "s", "Command that shows the stimulus", nullable=True),
        Column("stimOffTrigger_times", "float64", "s", "Command that removes the stimulus", nullable=True),
        Column("stimFreezeTrigger_times", "float64", "s", "Command that stops the stimulus in place", nullable=True),
        Column("errorCueTrigger_times", "float64", "s", "Command that starts the noise of an error", nullable=True),
        Column(
            "bpod_start",
            "float64",
            "s",
            "Start of the trial on the clock of the Bpod (ALF intervals_bpod), which is not the session clock",
            nullable=True,
        ),
        Column("bpod_stop", "float64", "s", "End of the trial on the clock of the Bpod", nullable=True),
        Column(
            "laserStimulation",
            "float64",
            "1",
            "1 with laser, 0 without; NaN in sessions without a laser",
            nullable=True,
        ),
        Column("laserProbability", "float64", "1", "Probability of the laser in the trial, 0-1", nullable=True),
        Column(
            "task", "string", "-", "Task that the trial is of, task_00; null where the session has one", nullable=True
        ),
    ),
)

_OF_THE_LAB = ColumnPattern(
    r"[A-Za-z][A-Za-z0-9_]*",
    ("float64", "string", "bool", "int64"),
    "see the lab",
    "Column of the lab's own trials, under its name there",
    shown="<column>",
)

LAB_TRIALS = TableSchema(
    "lab_trials",
    (
        Column("trial_id", "int64", "1", "Number of the trial, in order of start time"),
        Column("start_time", "float64", "s", "Start of the trial"),
        Column("stop_time", "float64", "s", "End of the trial", nullable=True),
    ),
    patterns=(_OF_THE_LAB,),
    key=("trial_id",),
)
"""Trials of a source that is declared without code: columns of one task are no columns of another, so that `TRIALS`,
whose names have a meaning, would say of a lab's ``choice`` what it is not."""

PRESENTATIONS = TableSchema(
    "presentations",
    (
        Column("presentation_id", "int64", "1", "Number of the presentation, in order of start time"),
        Column("start_time", "float64", "s", "Start of the presentation"),
        Column("stop_time", "float64", "s", "End of the presentation", nullable=True),
        Column("stimulus_name", "string", "-", "Stimulus type, for example drifting_gratings"),
        Column("stimulus_block", "float64", "1", "Block; NaN for spontaneous activity", nullable=True),
        Column(
            "valid",
            "bool",
            "-",
            "False where a stimulus-scoped invalid interval overlaps the presentation, where it does not end after it "
            "starts or overlaps another one of its stimulus, and for a shuffled movie that is not known",
        ),
    ),
    patterns=(
        ColumnPattern(
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

RFM_SIDE_PX = 15
"""Rows and columns of a frame of the receptive field mapping (ibllib 4.1.0 `load_passive_rfmap`)."""

PASSIVE_RFM = TableSchema(
    "passive_rfm",
    (Column("times", "float64", "s", "Frame of the receptive field mapping"),),
    patterns=(
        ColumnPattern(
            r"pixel_\d\d_\d\d",
            ("uint8",),
            "1",
            "Grey level of one square of the frame, 0 black, 128 grey, 255 white; the numbers are the second and third "
            "index of brainbox's frames",
            shown="pixel_<i>_<j>",
            nullable=False,
        ),
    ),
)

INVALID_TIMES = TableSchema(
    "invalid_times",
    (
        Column("start_time", "float64", "s", "Start of the invalid interval"),
        Column("stop_time", "float64", "s", "End of the invalid interval"),
        Column("scope", "string", "-", "What it makes invalid: all_probes, stimulus, optotagging or a probe name"),
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
        LAB_TRIALS,
        PRESENTATIONS,
        IMAGE_TEMPLATES,
        LICKS,
        REWARDS,
        PASSIVE_PERIODS,
        PASSIVE_GABOR,
        PASSIVE_STIMS,
        PASSIVE_RFM,
        INVALID_TIMES,
        OPTOGENETIC_EPOCHS,
        TASK_PARAMETERS,
        SESSION_METADATA,
    )
}

TRIAL_TABLES = (TRIALS.name, CHANGE_TRIALS.name, LAB_TRIALS.name)
"""Tables of trials: a session has one of them at most."""

DETECTED: dict[str, TableSchema] = {WHEEL_MOVES.name: WHEEL_MOVES}
"""Tables of what upstream detected in a signal; they are stored beside it, in `signals`."""
