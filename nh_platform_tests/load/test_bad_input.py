"""What cannot be trained on is refused by name, with the nearest that can; two sources are never taken for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.load import Batches, Vocabulary, WindowSet
from nh_platform.reading import SessionView
from nh_platform.session import NhError
from nh_platform.session.errors import ConfigError
from nh_platform.store import Store
from nh_platform.windows.presets.preset_files import parse_preset
from nh_platform.windows.splits import causal_ranges, split_by_subject
from nh_platform_tests.load.conftest import FIRST, fill
from nh_platform_tests.windows.test_presets import ALIGNED, CONTINUOUS

GRID = "continuous-1s"
ONE_ANIMAL = pd.DataFrame({"session_id": ["a", "b"], "subject": ["m1", "m1"]})
Refused = Callable[[SessionView], Any]

REFUSED: dict[str, tuple[Refused, str]] = {
    "unknown preset field": (
        lambda _: parse_preset(CONTINUOUS.replace("length_us", "lenght_us"), "mine.yaml"),
        r"mine\.yaml:6, preset c, lenght_us: unknown key 'lenght_us'\. .* Did you mean length_us",
    ),
    "stop before the start": (
        lambda _: parse_preset(ALIGNED.replace("1_500_000", "-600_000"), "mine.yaml"),
        r"mine\.yaml:7, preset a, stop_us: -600000 is not after start_us, -500000; the least is -480000",
    ),
    "edges that do not increase": (
        lambda first: first.windows_around("stimulus onset", 0.5, -0.5),
        r"window 0\.5 s to -0\.5 s: .* Choose a stop after the start, from 0\.52 s",
    ),
    "unknown preset": (
        lambda first: WindowSet(first, "continous-1s"),
        rf"preset 'continous-1s': .* made with {GRID}, .* Did you mean {GRID}",
    ),
    "event that the session lacks": (
        lambda first: first.windows_around("stimulus onest"),
        r"event 'stimulus onest': .* Use one of 'trial start', .* Did you mean stimulus onset",
    ),
    "window beyond the recording": (
        lambda first: WindowSet(first, GRID, ranges=[[900, 999]]),
        rf"{FIRST}, preset {GRID}: no window: its ranges hold none of its 10 windows, .* within 2\.000 to 12\.000 s",
    ),
    "stretch beyond the recording": (
        lambda first: first.between(900, 999),
        rf"stretch 900 to 999 s of ibl session {FIRST}: .* the recording lasts from 2\.000 to 11\.990 s",
    ),
    "no such window": (lambda first: WindowSet(first, GRID)[99], r"window 99: the set has \d+ windows\. Use 0 to that"),
    "split that leaves a set empty": (
        lambda _: split_by_subject(ONE_ANIMAL),
        r"split of 1 subject .*: no subject falls into valid or test\. .* divide each session in time: `causal_ranges`",
    ),
    "session that is too short for a split": (
        lambda _: causal_ranges(0.0, 30.0),
        r"split of 0 to 30 s with gaps of 20 s: nothing is left of train and valid and test\. Take .* a shorter gap",
    ),
    "unit of no session": (
        lambda first: WindowSet(first, GRID, units=["a", "bb"]),
        r"unit bb: 1 of 2 units is not of this session\. .* Did you mean b",
    ),
    "number of no unit": (
        lambda first: WindowSet(first, GRID, units=[7]),
        r"unit 7: it is neither a row, of which .* 3",
    ),
    "unit that is named twice": (lambda first: WindowSet(first, GRID, units=["a", "b", "b"]), "unit b is named twice"),
    "session of the ranges": (
        lambda first: WindowSet(first, GRID, ranges={"1111-aaaa": [[0, 9]]}),
        rf"ranges: 1111-aaaa is none of the 1 session\. Use their ids\. Did you mean {FIRST}",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_it_is_refused_by_name_with_the_nearest_that_can_be(first, case: str) -> None:
    make, text = REFUSED[case]
    with pytest.raises(NhError, match=text):
        make(first)


@pytest.fixture(scope="module")
def clashing(tmp_path_factory: pytest.TempPathFactory) -> list[SessionView]:
    """Return sessions of two sources with one id, and the same ids of units."""
    made = Store(tmp_path_factory.mktemp("clash") / "store")
    for source in ("ibl", "allen_vc"):
        fill(made, FIRST, source)
    return [SessionView(made, source, FIRST) for source in ("ibl", "allen_vc")]


def test_units_of_two_sources_with_the_same_ids_have_numbers_of_their_own(clashing) -> None:
    words = Vocabulary()
    ws = WindowSet(clashing, GRID, vocabulary=words)
    samples = {sample.source: sample for sample in ws}
    assert [one.unit_ids.tolist() for one in samples.values()] == [["a", "b", "c"]] * 2
    assert [one.unit_numbers.tolist() for one in samples.values()] == [[0, 1, 2], [3, 4, 5]]
    assert [one.session_number for one in samples.values()] == [0, 1]
    numbers = {batch.units[batch.unit_mask].tobytes() for batch in Batches(ws, 1)}
    assert len(numbers) == 2


@pytest.mark.parametrize("what", ["units", "ranges", "embeddings"])
def test_an_id_that_two_sources_have_is_refused_and_told_apart_by_the_source(clashing, what: str) -> None:
    value = np.array([True, False, True]) if what == "units" else [[2.0, 12.0]]
    both = f"ibl/{FIRST} and of allen_vc/{FIRST}"
    with pytest.raises(ConfigError, match=f"{what}: {FIRST} is the id of {both}. State them by ibl/{FIRST} and"):
        WindowSet(clashing, GRID, **{what: {FIRST: value}})


def test_what_is_stated_by_source_and_session_is_of_that_session_alone(clashing) -> None:
    ws = WindowSet(
        clashing,
        GRID,
        units={f"allen_vc/{FIRST}": [True, False, True]},
        ranges={f"ibl/{FIRST}": [[3.0, 4.0]], f"allen_vc/{FIRST}": [[6.0, 8.0]]},
    )
    assert [(one.source, one.start, one.unit_ids.tolist()) for one in ws] == [
        ("ibl", 3.0, ["a", "b", "c"]),
        ("allen_vc", 6.0, ["a", "c"]),
        ("allen_vc", 7.0, ["a", "c"]),
    ]
    with pytest.raises(ConfigError, match=f"ranges: they are stated by {FIRST} and by ibl/{FIRST}, one session"):
        WindowSet(clashing[0], GRID, ranges={FIRST: [[3.0, 4.0]], f"ibl/{FIRST}": [[3.0, 5.0]]})


def test_a_vocabulary_takes_no_two_units_for_one() -> None:
    words = Vocabulary()
    assert words.add("ibl", "s", ["x/y"]).tolist() == [0]
    with pytest.raises(ConfigError, match="session 's/x': names of units are parted by /"):
        words.add("ibl", "s/x", ["y"])
    with pytest.raises(ConfigError, match="source 'ibl/s'"):
        words.add("ibl/s", "x", ["y"])
    with pytest.raises(ConfigError, match="unit b of ibl/s: it is named twice"):
        words.add("ibl", "s", ["a", "b", "b"])
    assert (words.n_sessions, words.n_units) == (1, 1)
    with pytest.raises(ConfigError, match=r"session ibl/t: it is not in the vocabulary\. .* Did you mean ibl/s"):
        words.session("ibl", "t")
