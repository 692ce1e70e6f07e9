"""Settings of a source of a plain ALF tree, as ``sources.yaml`` states them.

Add a setting here when trees differ in one more way.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from nh_platform.sources.events import EventFilter
from nh_platform.sources.ibl.settings import FOLLOW_DEFAULT
from nh_platform.sources.own.declared import DeclaredSettings, EventPlace


class AlfSettings(DeclaredSettings):
    """Where the tree is, and which sorting and revision count.

    Parameters
    ----------
    root
        Folder with ``<subject>/<date>/<number>/alf/…``, or ``<lab>/Subjects/<subject>/<date>/<number>/alf/…``.
    sorter, revision
        As of `nh_platform.sources.ibl.settings.IblSettings`: the sorter to prefer, and the revision of each file.
    """

    tables: ClassVar[Mapping[str, str]] = {"trials": "trials", "licks": "licks"}
    default_events: ClassVar[Mapping[str, str | EventPlace]] = {
        "stimulus onset": "trials.stimOn_times",
        "stimulus offset": "trials.stimOff_times",
        "go cue": "trials.goCue_times",
        "first movement": "trials.firstMovement_times",
        "response": "trials.response_times",
        "feedback": "trials.feedback_times",
        "reward": EventPlace(at="trials.feedback_times", filters=(EventFilter(column="feedbackType", minimum=1),)),
        "lick": "licks.times",
        "trial start": "trials.start_time",
    }

    root: Path
    sorter: str | None = None
    revision: str = FOLLOW_DEFAULT
