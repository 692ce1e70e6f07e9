"""The table of a session's units: the metrics that rulebooks need, and a note where a rule has no column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.changes.rulebook_diff import diff_rulebooks
from nh_platform.qc.rules.rule_columns import MissingColumn
from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook
from nh_platform.qc.unit_table import BuiltUnits, build_units
from nh_platform.session import RawRecording, Session, UnitAnnotation
from nh_platform.session.tables.spikes import PROBES, RAW_CHANNELS, RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNIT_POSITIONS
from nh_platform_tests.qc.metrics.trains import session
from nh_platform_tests.rulebook_texts import NO_UNIT_PASSES

N_UNITS = 6


def built(rulebooks: list[str], folder: Path, **released: list[float]) -> BuiltUnits:
    spikes = session(n_units=N_UNITS)
    ids = [f"u{row}" for row in range(N_UNITS)]
    units = pd.DataFrame(
        {"unit_id": ids, "probe": "probe00", "cluster_id": range(N_UNITS), "channel": 0, "n_spikes": spikes.counts}
    )
    recording = RawRecording(
        Session("ibl", "s1", "mouse"),
        PROBES.empty(),
        RAW_UNITS.conform(units),
        RAW_CHANNELS.empty(),
        spikes,
    )
    positions = UNIT_POSITIONS.conform(pd.DataFrame({"unit_id": ids, "atlas_id": 0, "histology": "unlocated"}))
    columns = {f"released.{name}": values for name, values in released.items()}
    annotation = UnitAnnotation(pd.DataFrame({"unit_id": ids, **columns}), positions, CHANNEL_POSITIONS.empty())
    return build_units(recording, annotation, rulebooks=rulebooks, reviews_file=folder / "none.yaml")


@pytest.fixture
def older(tmp_path: Path) -> str:
    """Write a rulebook of the vintage 2022-03 that reads recomputed values."""
    text = (RULEBOOK_DIR / "ibl-2022-03.yaml").read_text(encoding="utf-8")
    path = tmp_path / "older.yaml"
    path.write_text(
        text.replace("id: ibl-2022-03\n", "id: older\n").replace("use: released", "use: recomputed"), encoding="utf-8"
    )
    return str(path)


def test_an_older_vintage_is_computed_where_a_rulebook_names_it(older: str, tmp_path: Path) -> None:
    made = built([older], tmp_path)
    assert not any(note.subject.startswith("rulebook") for note in made.notes)
    assert made.table["ibl.noise_cutoff@2022-03"].notna().any()
    assert made.table["rule.older.refractory"].any()
    assert made.table["rule.older.noise_cutoff"].any()
    found = diff_rulebooks(
        made.table, load_rulebook("ibl-2022-03"), load_rulebook("ibl-2022-10"), value_source="recomputed"
    )
    assert found.n_units == N_UNITS


def test_a_rule_without_a_column_is_noted_with_what_that_means(tmp_path: Path) -> None:
    made = built(["ibl-2022-10", "ibl-2022-03"], tmp_path, amp_median=[6e-5] * N_UNITS)
    texts = {note.subject: note.text for note in made.notes if note.subject.startswith("rulebook")}
    assert set(texts) == {
        "rulebook ibl-2022-10, rule max_confidence",
        "rulebook ibl-2022-10, rule noise_cutoff",
        "rulebook ibl-2022-03, rule refractory",
        "rulebook ibl-2022-03, rule noise_cutoff",
    }
    assert texts["rulebook ibl-2022-10, rule noise_cutoff"] == (
        "the release states no column for ibl.noise_cutoff@2022-10 (looked for released.noise_cutoff): every unit "
        "counts as fail"
    )


def test_a_rule_about_labels_that_nobody_gave_is_noted_with_what_that_means(tmp_path: Path) -> None:
    own = tmp_path / "mine.yaml"
    own.write_text(
        NO_UNIT_PASSES.replace("ibl.firing_rate@2022-10", "curated.bombcell.bc_unitType")
        .replace('comparison: ">"', 'comparison: "=="')
        .replace("threshold: 100000", "threshold: GOOD")
        .replace("unit: Hz", 'unit: "-"')
    )
    made = built([str(own)], tmp_path)
    assert {note.text for note in made.notes if note.subject.startswith("rulebook")} == {
        "nobody's labels of this session are curated.bombcell.bc_unitType (`nh review import`): every unit "
        "counts as fail"
    }
    assert not made.table["pass.nothing-is-good"].any()


def test_recomputed_values_that_were_not_computed_are_refused_with_what_to_do(tmp_path: Path) -> None:
    made = built(["ibl-2022-10"], tmp_path, noise_cutoff=[1.0] * N_UNITS)
    with pytest.raises(MissingColumn) as raised:
        diff_rulebooks(
            made.table, load_rulebook("ibl-2022-03"), load_rulebook("ibl-2022-10"), value_source="recomputed"
        )
    assert "rulebook ibl-2022-03, rule refractory" in str(raised.value)
    assert "these units were made without ibl.slidingRP_viol@2022-03" in str(raised.value)
    for part in ("also_rulebooks", "nh materialize", "--missing"):
        assert part in raised.value.action
    assert np.isfinite(made.table["released.noise_cutoff"]).all()


def test_units_of_which_the_release_states_words_alone_are_counted(tmp_path: Path) -> None:
    snr = [2.5] * N_UNITS
    made = built(["allen-vc-default"], tmp_path, snr=snr, presence_ratio=[np.nan] * (N_UNITS - 1) + [0.99])
    texts = {note.subject: note.text for note in made.notes}
    assert texts["released metrics"] == (
        f"{N_UNITS - 1} of {N_UNITS} units have none of those that are recomputed; recomputed ones judge them"
    )
