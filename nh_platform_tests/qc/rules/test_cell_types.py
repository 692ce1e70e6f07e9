"""A rulebook may name a cell type of the units; it is a column of theirs, which IBL's sessions have no value in."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.quantities import CELL_TYPES, said_of
from nh_platform.qc.rules.rulebook import parse_rulebook
from nh_platform.qc.rules.verdicts import apply_rulebook
from nh_platform.session import ConfigError
from nh_platform.session.tables.cell_types import CELL_TYPE_COLUMNS

TEXT = """\
id: fast-tagged
title: Narrow and tagged
version: "1"
sources: [allen_vc]
label: all
why: Cells of one type.
rules:
  - id: narrow
    metric: nh.waveform_type@1
    comparison: "=="
    threshold: narrow
    unit: "-"
    nan: fail
    severity: warn
    why: Only narrow waveforms are asked for.
    since: "1"
  - id: tagged
    metric: nh.optotagged@1
    comparison: "=="
    threshold: 1
    unit: "1"
    nan: pass
    severity: warn
    why: Light must drive it where it was shone.
    since: "1"
"""


def _units() -> pd.DataFrame:
    table = {"unit_id": list("abcd"), "review": "none", "nh.waveform_type@1": ["narrow", "broad", None, "narrow"]}
    return pd.DataFrame(table | {"nh.optotagged@1": [1.0, 1.0, 1.0, 0.0]})


def test_rules_read_the_columns_of_units() -> None:
    book = parse_rulebook(TEXT, "mine.yaml")
    columns = apply_rulebook(_units(), book).columns(pd.Series(["none"] * 4))
    assert columns["pass.fast-tagged"].tolist() == [True, False, False, False]
    untagged = apply_rulebook(_units().assign(**{"nh.optotagged@1": np.nan}), book)
    assert untagged.columns(pd.Series(["none"] * 4))["rule.fast-tagged.tagged"].all()


def test_ids_are_those_of_the_columns() -> None:
    assert tuple(one.name for one in CELL_TYPE_COLUMNS) == CELL_TYPES


def test_a_rule_that_asks_a_release_for_a_type_is_refused() -> None:
    with pytest.raises(ConfigError, match="neither released nor recomputed"):
        parse_rulebook(TEXT.replace("    nan: fail\n", "    nan: fail\n    use: released\n"), "mine.yaml")


def test_a_type_is_said_in_words() -> None:
    assert said_of("nh.waveform_type@1", "broad") == "its waveform is broad"
    assert said_of("nh.optotagged@1", 0.0) == "light does not drive it"
