"""The benchmark's table of QC labels: read as text, refused where a column lacks."""

from __future__ import annotations

import pytest

from nh_platform.session import ConfigError
from nh_platform.tasks.brain_wide_bench.qc_labels import COLUMNS, read_qc_labels
from nh_platform.tasks.named_tasks import tasks
from nh_platform_tests.tasks.brain_wide_bench.hand_made import NAMES


def test_labels_are_text_and_n_a_is_one_of_them(tmp_path) -> None:
    path = tmp_path / "bwm_qc.csv"
    path.write_text(",".join(COLUMNS) + "\n" + ",".join(["e", "probe00", "N.A.", *["PASS"] * 5]) + "\n")
    table = read_qc_labels(path)
    assert table["qc_neural"].tolist() == ["N.A."]
    assert list(tasks(table))[: len(NAMES)] == list(tasks())[: len(NAMES)] == list(NAMES)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "it cannot be read as CSV"),
        ("", "it cannot be read as CSV"),
        ("eid,probe_name\n", "columns missing: qc_neural"),
    ],
)
def test_what_is_no_such_table_is_refused_with_its_name(tmp_path, text, found) -> None:
    path = tmp_path / "labels.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=f"labels.csv: {found}"):
        read_qc_labels(path)


def test_the_registry_refuses_a_table_of_something_else(tmp_path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(",".join(COLUMNS) + "\n")
    with pytest.raises(ConfigError, match="table of QC labels: columns missing: qc_behavior_paws"):
        tasks(read_qc_labels(path).drop(columns="qc_behavior_paws"))
