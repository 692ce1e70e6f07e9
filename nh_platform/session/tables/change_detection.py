"""The tables of the image change detection task (Allen Visual Behavior): trials, licks, rewards, images, parameters.

Add a column here when the task's tables bring one. Trials of the IBL task are another table
(`nh_platform.session.tables.events.TRIALS`): the two tasks share no column but start and stop, so that one table for
both would be empty in most of its columns whichever the source. No validation logic here.
"""

from __future__ import annotations

from nh_platform.session.columns import Column, TableSchema

CHANGE_TRIALS = TableSchema(
    "change_trials",
    (
        Column("trials_id", "int64", "1", "Number of the trial, from 0; presentations name it too"),
        Column("start_time", "float64", "s", "Start of the trial"),
        Column("stop_time", "float64", "s", "End of the trial", nullable=True),
        Column("trial_length", "float64", "s", "Length of the trial as upstream states it", nullable=True),
        Column("initial_image_name", "string", "-", "Image before the change; null in aborted trials", nullable=True),
        Column("change_image_name", "string", "-", "Image after the change; null in aborted trials", nullable=True),
        Column("is_change", "bool", "-", "Whether the image changed (upstream: stimulus_change)", absent=True),
        Column(
            "change_time_no_display_delay",
            "float64",
            "s",
            "Time of the change or sham change, without the delay of the monitor; NaN in aborted trials",
            nullable=True,
        ),
        Column("change_frame", "float64", "1", "Monitor frame of the change; NaN without one", nullable=True),
        Column("go", "bool", "-", "Whether the image changed and a lick was to be rewarded", absent=True),
        Column("catch", "bool", "-", "Whether the change was a sham, so that the image stayed", absent=True),
        Column(
            "aborted", "bool", "-", "Whether the animal licked before the change, which ends the trial", absent=True
        ),
        Column("auto_rewarded", "bool", "-", "Whether water came without a lick", absent=True),
        Column("hit", "bool", "-", "Lick in the response window of a go trial", absent=True),
        Column("miss", "bool", "-", "No lick in the response window of a go trial", absent=True),
        Column("false_alarm", "bool", "-", "Lick in the response window of a catch trial", absent=True),
        Column("correct_reject", "bool", "-", "No lick in the response window of a catch trial", absent=True),
        Column("response_time", "float64", "s", "First lick; NaN where aborted or without one", nullable=True),
        Column("reward_time", "float64", "s", "Reward; NaN without one", nullable=True),
        Column("reward_volume", "float64", "uL", "Reward of the trial; 0 without one", nullable=True),
        Column("n_licks", "int64", "1", "Licks of the trial; their times are in trial_licks", absent=True),
    ),
    key=("trials_id",),
)

TRIAL_LICKS = TableSchema(
    "trial_licks",
    (
        Column("trials_id", "int64", "1", "Trial that the lick belongs to"),
        Column("times", "float64", "s", "Lick"),
    ),
)

REWARDS = TableSchema(
    "rewards",
    (
        Column("times", "float64", "s", "Reward"),
        Column("volume", "float64", "uL", "Water given", nullable=True),
        Column("auto_rewarded", "bool", "-", "Whether it came without a lick", absent=True),
    ),
)

IMAGE_TEMPLATES = TableSchema(
    "image_templates",
    (
        Column("image_set", "string", "-", "Image set, which is also the stimulus name of its presentations"),
        Column("image_index", "int64", "1", "Place in the set; the presentations' image_index"),
        Column("image_name", "string", "-", "Name of the image; the presentations' image_name"),
        Column("height", "int64", "px", "Height of the image as shown"),
        Column("width", "int64", "px", "Width of the image as shown"),
    ),
    key=("image_set", "image_index"),
)

_FACT = (
    Column("name", "string", "-", "Name of the fact, as AllenSDK has it"),
    Column("value", "string", "-", "Its value as JSON: a number, a text, a list, or null"),
)

TASK_PARAMETERS = TableSchema("task_parameters", _FACT, key=("name",))
"""How the task was set; volumes in mL and times in s, as upstream has them."""

SESSION_METADATA = TableSchema("session_metadata", _FACT, key=("name",))
"""Who was recorded, when and on which rig."""

BEHAVIOR_SESSIONS = TableSchema(
    "behavior_sessions",
    (
        Column("behavior_session_id", "string", "-", "Upstream id of the behaviour session"),
        Column("session_id", "string", "-", "Recording of the same session; null for behaviour alone", nullable=True),
        Column("subject", "string", "-", "Animal"),
        Column("date", "string", "-", "Day of the session, YYYY-MM-DD", nullable=True),
        Column("session_type", "string", "-", "Stage of the training or of the task", nullable=True),
        Column("session_number", "float64", "1", "Number among the animal's sessions", nullable=True),
        Column("image_set", "string", "-", "Image set that was shown", nullable=True),
    ),
    key=("behavior_session_id",),
)
