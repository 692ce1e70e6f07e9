"""The catalogue without files is of the stated size, has the stated shape and repeats exactly."""

from __future__ import annotations

import pandas as pd
import pytest

from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.simulation.ibl.catalogue import RESORT, simulate_catalogue


def test_a_catalogue_is_valid_and_of_the_size_asked_for() -> None:
    tables = simulate_catalogue(5, 100)
    for schema, table in ((SESSIONS, tables.sessions), (INSERTIONS, tables.insertions), (FILES, tables.files)):
        schema.validate(table)
    assert (len(tables.sessions), len(tables.insertions), len(tables.files)) == (5, 10, 500)
    read = tables.files[tables.files["default_revision"] & (tables.files["group"] == "spikes")]
    assert set(read["revision"]) == {RESORT}
    assert not read.duplicated(["session_id", "probe", "name"]).any()


def test_the_same_arguments_give_the_same_catalogue() -> None:
    one, again, other = simulate_catalogue(3, 90), simulate_catalogue(3, 90), simulate_catalogue(3, 90, seed=1)
    pd.testing.assert_frame_equal(one.files, again.files)
    assert not one.files["md5"].equals(other.files["md5"])


def test_too_few_files_are_refused() -> None:
    with pytest.raises(ValueError, match="at least"):
        simulate_catalogue(1, 10)
