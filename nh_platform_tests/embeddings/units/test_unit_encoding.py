"""Encoders stand side by side, each with its own columns; one of a lab's package joins without a change here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from nh_platform.embeddings import FEATURES_VERSION, UnitActivity, UnitEncoder, feature_names, unit_embeddings
from nh_platform.embeddings.units.unit_encoder import ENTRY_POINTS
from nh_platform.embeddings.units.unit_encoding import (
    OWN_ENCODERS,
    encoders_version,
    feature_meanings,
    installed_encoders,
)
from nh_platform.embeddings.units.unit_features import FIRING
from nh_platform.session import ConfigError
from nh_platform.session.columns import Column
from nh_platform.session.tables.embeddings import UNIT_EMBEDDINGS
from nh_platform.windows.valid_time import InvalidTimes
from nh_platform_tests.lab_packages import install, on_the_path
from nh_platform_tests.windows.trains import spikes_of, units_of

HERE = __name__
PAUSE = Column("longest_pause_s", "float64", "s", "Longest inter-spike interval in valid time", nullable=True)
OWN = [column.name for encoder in OWN_ENCODERS for column in encoder.columns]
OWN_VERSION = f"firing={FEATURES_VERSION};waveform=2;grating-responses=1"
SPIKES, UNITS = spikes_of([0.0, 1.0, 4.0], [0.0, 9.0]), units_of("probe00", "probe01")


def longest_pauses(activity: UnitActivity) -> npt.NDArray[np.float64]:
    trains = (activity.spikes.of_unit(row) for row in range(len(activity.units)))
    return np.array([[np.diff(train).max(initial=0)] for train in trains])


LONGEST_PAUSE = UnitEncoder("longest-pause", "3", (PAUSE,), longest_pauses)
ANOTHER_RATE = UnitEncoder("rate", "1", FIRING.columns[:1], longest_pauses)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[None]:
    points = {"pause": f"{HERE}:LONGEST_PAUSE", "rate": f"{HERE}:ANOTHER_RATE", "broken": f"{HERE}:no_such_encoder"}
    with on_the_path(install(tmp_path, points, group=ENTRY_POINTS)):
        yield


def test_the_own_features_are_of_three_encoders() -> None:
    table = unit_embeddings(SPIKES, UNITS)
    assert list(table) == [*UNIT_EMBEDDINGS.names, *OWN]
    assert encoders_version() == OWN_VERSION
    assert feature_meanings()("rate_hz") is None


def test_an_encoder_of_a_package_adds_its_columns_and_its_version(installed: None) -> None:
    alone = unit_embeddings(SPIKES, UNITS, encoders=OWN_ENCODERS)
    table = unit_embeddings(SPIKES, UNITS)
    assert table["longest_pause_s"].tolist() == [3.0, 9.0]
    assert table.drop(columns="longest_pause_s").equals(alone)
    assert feature_names() == [*OWN, "longest_pause_s"]
    assert encoders_version() == f"{OWN_VERSION};longest-pause=3"
    assert feature_meanings()("longest_pause_s") == ("s", PAUSE.meaning)
    assert feature_meanings()("rate_hz") is None
    assert [problem.name for problem in installed_encoders().problems] == ["broken", "rate"]


def test_an_encoder_sees_valid_time_alone() -> None:
    noise = InvalidTimes(np.zeros((0, 2)), np.zeros((0, 2)), {"probe00": np.array([[0.5, 2.0]])})
    table = unit_embeddings(SPIKES, UNITS, invalid=noise, encoders=[LONGEST_PAUSE])
    assert table["longest_pause_s"].tolist() == [4.0, 9.0]
    assert table["n_spikes"].tolist() == [2, 2]


def test_numbers_of_another_shape_name_the_encoder() -> None:
    flat = UnitEncoder("flat", "1", (PAUSE,), lambda activity: np.zeros(len(activity.units)))
    with pytest.raises(ConfigError, match=r"encoder flat: returned numbers of shape \(2,\), expected \(2, 1\)"):
        unit_embeddings(SPIKES, UNITS, encoders=[flat])


@pytest.mark.parametrize(
    ("name", "column"),
    [("Pause", PAUSE), ("pause", Column("Pause", "float64", "s", "M")), ("pause", Column("pause", "int64", "s", "M"))],
)
def test_a_name_or_column_that_cannot_be_stored_is_refused(name: str, column: Column) -> None:
    with pytest.raises(ValueError, match="encoder"):
        UnitEncoder(name, "1", (column,), longest_pauses)
