"""Session rules, trial mask and region rules, on tables made here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rulebook import load_rulebook
from nh_platform.qc.rulebook_model import RegionRules
from nh_platform.qc.session_rules import evaluate_records, evaluate_session, region_mask, trial_facts, trial_mask
from nh_platform.session import SchemaError

BWM = load_rulebook("ibl-bwm-inclusion")
RIGOR = load_rulebook("ibl-rigor")
TASK = [rule.field.removeprefix("extended_qc.") for rule in BWM.session if rule.id.startswith("task_")]


def record(**changes):
    extended = {"behavior": 1, **dict.fromkeys(TASK, 1.0), **changes.pop("extended_qc", {})}
    return {"qc": "PASS", "extended_qc": extended, **changes}


def test_there_are_ten_task_rules():
    assert len(TASK) == 10
    assert "_task_stimOn_goCue_delays" in TASK


def test_a_clean_session_passes():
    verdict = evaluate_session(record(n_trials=600, performance_easy=0.95, n_errors=40), BWM)
    assert verdict.passed
    assert verdict.reason == ""
    assert all(outcome.counted for outcome in verdict.outcomes)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"qc": "CRITICAL"}, "session_qc"),
        ({"extended_qc": {"behavior": 0}}, "behavior"),
        ({"n_trials": 400}, "n_trials"),
        ({"performance_easy": 0.9}, "performance_easy"),
        ({"n_errors": 2}, "min_errors"),
        *[({"extended_qc": {field: 0.89}}, None) for field in TASK],
    ],
)
def test_each_criterion_can_fail_alone(changes, rule):
    verdict = evaluate_session(record(**changes), BWM)
    failing = [outcome.rule for outcome in verdict.outcomes if not outcome.passed]
    assert len(failing) == 1
    assert not verdict.passed
    assert failing[0] in verdict.reason
    if rule:
        assert failing == [rule]


def test_exactly_0_9_passes_as_the_query_excludes_what_is_below():
    assert evaluate_session(record(extended_qc=dict.fromkeys(TASK, 0.9)), BWM).passed


def test_a_missing_task_value_passes_and_a_missing_behaviour_flag_does_not():
    assert evaluate_session(record(extended_qc={TASK[0]: None}), BWM).passed
    verdict = evaluate_session({"qc": "PASS", "extended_qc": {}}, BWM)
    assert verdict.reason == "behavior: extended_qc.behavior not available counts as fail"


def test_an_experimenters_decision_settles_the_task_rules_only():
    verdict = evaluate_session(record(extended_qc={TASK[0]: 0.1, "experimenter_task": "PASS"}), BWM)
    assert verdict.passed
    overridden = [outcome for outcome in verdict.outcomes if outcome.overridden]
    assert len(overridden) == 1
    assert "passed because extended_qc.experimenter_task is PASS" in overridden[0].reason
    assert not evaluate_session(record(qc="CRITICAL", extended_qc={"experimenter_task": "PASS"}), BWM).passed


@pytest.mark.parametrize("value", [[True, 0.3], "0.2", {"a": 1}, float("nan")])
def test_a_value_of_another_kind_counts_as_not_available(value):
    outcome = next(
        o
        for o in evaluate_session(record(extended_qc={TASK[0]: value}), BWM).outcomes
        if o.rule.startswith("task_stim_on")
    )
    assert (outcome.value, outcome.passed) == (None, True)


def test_insertions_need_a_resolved_alignment():
    good = {"qc": "WARNING", "extended_qc": {"tracing_exists": True, "alignment_resolved": True}}
    assert evaluate_session(good, BWM, scope="probe").passed
    bad = {"qc": "WARNING", "extended_qc": {"tracing_exists": True}}
    assert "alignment_resolved" in evaluate_session(bad, BWM, scope="probe").reason


def test_rigor_on_a_probe_and_a_region():
    row = {"rms_ap_p90": 39.9, "lfp_derivative": -0.5, "total_yield": 0.2, "n_channels": 6, "n_trials": 400}
    for scope in ("session", "probe", "region"):
        assert evaluate_session(row, RIGOR, scope=scope).passed
    assert not evaluate_session({**row, "lfp_derivative": -1.5}, RIGOR, scope="probe").passed
    assert not evaluate_session({**row, "rms_ap_p90": 40.0}, RIGOR, scope="probe").passed
    assert not evaluate_session({**row, "n_channels": 5}, RIGOR, scope="region").passed
    assert not evaluate_session({**row, "n_trials": 399}, RIGOR, scope="session").passed
    assert evaluate_session({**row, "rms_ap_p90": np.float64("nan")}, RIGOR, scope="probe").passed


def test_many_records_make_a_table():
    table = evaluate_records({"a": record(), "b": record(qc="CRITICAL")}, BWM)
    assert table["passed"].tolist() == [True, False]
    assert table.loc["b", "reason"] == "session_qc: CRITICAL not in (NOT_SET, PASS, WARNING, FAIL)"
    assert not table.loc["b", "session_qc"]
    assert len(evaluate_records({}, BWM)) == 0


def trials(**columns):
    n = len(next(iter(columns.values())))
    base = {
        "stimOn_times": np.arange(n, dtype=float),
        "firstMovement_times": np.arange(n, dtype=float) + 0.5,
        "goCue_times": np.arange(n, dtype=float),
        "feedback_times": np.arange(n, dtype=float) + 0.9,
        "choice": np.ones(n),
        "probabilityLeft": np.full(n, 0.8),
        "feedbackType": np.ones(n),
        "contrastLeft": np.ones(n),
        "contrastRight": np.full(n, np.nan),
    }
    return pd.DataFrame({**base, **{name: np.asarray(values) for name, values in columns.items()}})


def test_both_ends_of_the_reaction_time_are_kept():
    table = trials(stimOn_times=np.zeros(5), firstMovement_times=[0.0799, 0.08, 2.0, 2.0001, -0.1])
    assert trial_mask(table, BWM.trial_mask).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("field", BWM.trial_mask.not_nan)
def test_each_of_the_six_fields_must_be_there(field):
    table = trials(choice=np.ones(3))
    table.loc[1, field] = np.nan
    assert trial_mask(table, BWM.trial_mask).tolist() == [True, False, True]


def test_the_options_of_the_mask():
    table = trials(probabilityLeft=[0.5, 0.2, 0.2, 0.2], choice=[1, 0, 1, 1], feedback_times=[0.9, 1.9, 2.95, 3.0 + 11])
    mask = BWM.trial_mask.model_copy(
        update={
            "exclude_unbiased": True,
            "exclude_nochoice": True,
            "trial_length_min_s": 0.92,
            "trial_length_max_s": 10,
        }
    )
    assert trial_mask(table, mask).tolist() == [False, False, True, False]
    table.loc[2, "goCue_times"] = np.nan  # upstream keeps a trial whose length is unknown
    assert trial_mask(table, mask).tolist() == [False, False, True, False]


def test_a_missing_column_is_named():
    with pytest.raises(SchemaError, match="columns missing: choice"):
        trial_mask(trials(choice=[1]).drop(columns="choice"), BWM.trial_mask)


def test_facts_count_easy_trials_and_errors_within_the_mask():
    table = trials(
        feedbackType=[1, -1, -1, 1],
        contrastLeft=[0.5, 1.0, np.nan, 0.25],
        contrastRight=[np.nan, np.nan, 0.06, np.nan],
    )
    table.loc[1, "firstMovement_times"] = np.nan
    assert trial_facts(table) == {"n_trials": 4, "performance_easy": 0.5, "n_errors": 2}
    assert trial_facts(table, BWM.trial_mask) == {
        "n_trials": 4,
        "performance_easy": 0.5,
        "n_errors": 1,
        "n_trials_kept": 3,
    }
    assert np.isnan(trial_facts(table.iloc[:0])["performance_easy"])


def test_regions_need_enough_units_in_enough_sessions():
    rules = RegionRules(min_units=2, min_sessions=2, drop=["root"], why="test")
    rows = [
        *[("s1", "A")] * 2, *[("s2", "A")] * 2, ("s3", "A"),  # two sessions with two units; the third has one
        *[("s1", "B")] * 5,  # one session only
        *[("s1", "root")] * 3, *[("s2", "root")] * 3, ("s1", None),
    ]  # fmt: skip
    session, region = pd.Series([s for s, _ in rows]), pd.Series([r for _, r in rows])
    good = np.ones(len(rows), dtype=bool)
    assert region_mask(session, region, good, rules).tolist() == [True] * 4 + [False] * (len(rows) - 4)
    good[0] = False
    assert not region_mask(session, region, good, rules).any()
    assert len(region_mask(session[:0], region[:0], good[:0], rules)) == 0
