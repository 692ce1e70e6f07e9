"""A session's faults are named as what it lacks, whatever of the platform says so; damage is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from nh_platform.reading import SessionView
from nh_platform.session import DamagedFile, UnknownSession
from nh_platform.store import Store
from nh_platform.tasks.lacking import says_what_lacks
from nh_platform.tasks.named_tasks import tasks
from nh_platform.tasks.task import TargetMissing
from nh_platform_tests.tasks.brain_wide_bench.hand_made import NAMES, session_of, spikes_of


@pytest.mark.parametrize("name", NAMES)
def test_of_a_session_of_which_nothing_is_stored_every_task_says_what_makes_it(tmp_path: Path, name: str) -> None:
    session = SessionView(Store(tmp_path), "ibl", "none")
    with pytest.raises(TargetMissing, match=r"ibl session none: .*`nh materialize ibl none"):
        tasks()[name].make(session)


def test_the_session_is_named_once_and_damage_is_raised_as_it_is() -> None:
    def raising(session: SessionView, error: Exception) -> None:
        raise error

    session = session_of(spikes_of([1.0]), None)
    with pytest.raises(TargetMissing, match=r"^ibl session by-hand: pose: not made\. Make it\.$"):
        says_what_lacks(raising)(session, UnknownSession("pose of ibl session by-hand", "not made", "Make it."))
    with pytest.raises(DamagedFile):
        says_what_lacks(raising)(session, DamagedFile("spikes.h5", "it is damaged", "Mend it."))
    with pytest.raises(ZeroDivisionError):
        says_what_lacks(raising)(session, ZeroDivisionError())
