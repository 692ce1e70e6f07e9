"""Session rules and trial mask, on records and tables made here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nh_platform.qc.rules.rulebook import RULEBOOK_DIR, load_rulebook, parse_rulebook
from nh_platform.qc.rules.session_rules import (
    evaluate_session,
    trial_facts,
    trial_mask,
    trial_mask_by,
)
from nh_platform.session import ConfigError, SchemaError

BWM = load_rulebook("ibl-bwm-inclusion")
RIGOR = load_rulebook("ibl-rigor")
TASK = [rule.field.removeprefix("extended_qc.") for rule in BWM.session if rule.id.startswith("task_")]


def record(**changes) -> dict[str, Any]:
    extended = {"behavior": 1, **dict.fromkeys(TASK, 1.0), **changes.pop("extended_qc", {})}
    return {"qc": "PASS", "extended_qc": extended, **changes}


def test_there_are_ten_task_rules() -> None:
    assert len(TASK) == 10
    assert "_task_stimOn_goCue_delays" in TASK


def test_a_clean_session_passes() -> None:
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
def test_each_criterion_can_fail_alone(changes, rule) -> None:
    verdict = evaluate_session(record(**changes), BWM)
    failing = [outcome.rule for outcome in verdict.outcomes if not outcome.passed]
    assert len(failing) == 1
    assert not verdict.passed
    assert failing[0] in verdict.reason
    if rule:
        assert failing == [rule]


def test_exactly_0_9_passes_as_the_query_excludes_what_is_below() -> None:
    assert evaluate_session(record(extended_qc=dict.fromkeys(TASK, 0.9)), BWM).passed


def test_a_missing_task_value_passes_and_a_missing_behaviour_flag_does_not() -> None:
    assert evaluate_session(record(extended_qc={TASK[0]: None}), BWM).passed
    verdict = evaluate_session({"qc": "PASS", "extended_qc": {}}, BWM)
    assert verdict.reason == "behavior: extended_qc.behavior not known counts as fail"


def test_an_experimenters_decision_settles_the_task_rules_only() -> None:
    verdict = evaluate_session(record(extended_qc={TASK[0]: 0.1, "experimenter_task": "PASS"}), BWM)
    assert verdict.passed
    (overridden,) = [outcome for outcome in verdict.outcomes if outcome.reason]
    assert overridden.reason.endswith("; passed because extended_qc.experimenter_task is PASS")
    assert not evaluate_session(record(qc="CRITICAL", extended_qc={"experimenter_task": "PASS"}), BWM).passed


@pytest.mark.parametrize("value", [[True, 0.3], "0.2", {"a": 1}, float("nan")])
def test_a_value_of_another_kind_counts_as_not_available(value) -> None:
    outcome = next(
        o
        for o in evaluate_session(record(extended_qc={TASK[0]: value}), BWM).outcomes
        if o.rule.startswith("task_stim_on")
    )
    assert (outcome.value, outcome.passed) == (None, True)


def test_insertions_need_a_resolved_alignment() -> None:
    good = {"qc": "WARNING", "extended_qc": {"tracing_exists": True, "alignment_resolved": True}}
    assert evaluate_session(good, BWM, scope="probe").passed
    bad = {"qc": "WARNING", "extended_qc": {"tracing_exists": True}}
    assert "alignment_resolved" in evaluate_session(bad, BWM, scope="probe").reason


def test_rigor_on_a_probe_and_a_region() -> None:
    row = {"rms_ap_p90": 39.9, "lfp_derivative": -0.5, "total_yield": 0.2, "n_channels": 6, "n_trials": 400}
    for scope in ("session", "probe", "region"):
        assert evaluate_session(row, RIGOR, scope=scope).passed
    assert not evaluate_session({**row, "lfp_derivative": -1.5}, RIGOR, scope="probe").passed
    assert not evaluate_session({**row, "rms_ap_p90": 40.0}, RIGOR, scope="probe").passed
    assert not evaluate_session({**row, "n_channels": 5}, RIGOR, scope="region").passed
    assert not evaluate_session({**row, "n_trials": 399}, RIGOR, scope="session").passed
    assert evaluate_session({**row, "rms_ap_p90": np.float64("nan")}, RIGOR, scope="probe").passed


TRAINED = {"n_trials": 401, "performance_easy": 0.91, "n_errors": 3}


@pytest.mark.parametrize(
    ("facts", "passed", "reason"),
    [
        (TRAINED, True, ""),
        ({**TRAINED, "n_trials": 400}, False, "behavior: extended_qc.behavior not known, fails as n_trials"),
        ({**TRAINED, "performance_easy": 0.9}, False, "fails as performance_easy"),
        ({"n_trials": 401}, False, "behavior: extended_qc.behavior not known counts as fail"),
    ],
)
def test_what_alyx_was_not_asked_the_trials_say(facts, passed, reason) -> None:
    verdict = evaluate_session({"qc": None, **facts}, BWM)
    assert verdict.passed is passed
    assert reason in verdict.reason
    settled = {outcome.rule: outcome.settled_by for outcome in verdict.outcomes}["behavior"]
    assert settled == (("n_trials", "performance_easy") if "performance_easy" in facts else ())
    assert ("behavior" in verdict.not_known) is not bool(settled)
    assert {"session_qc", "task_reward_volumes"} < set(verdict.not_known)


def test_what_is_stated_is_not_settled_by_other_rules() -> None:
    verdict = evaluate_session(record(extended_qc={"behavior": 0}, **TRAINED), BWM)
    assert verdict.reason == "behavior: 0 not == 1"


def test_a_resolved_alignment_was_traced() -> None:
    for resolved, passed in ((True, True), (False, False), (None, False)):
        probe = {"qc": None, "extended_qc": {"alignment_resolved": resolved}}
        assert evaluate_session(probe, BWM, scope="probe").passed is passed


@pytest.mark.parametrize("name", ["n_trial", "alignment_resolved", "behavior"])
def test_a_rule_is_settled_by_others_of_its_scope_that_exist(name) -> None:
    text = (RULEBOOK_DIR / "ibl-bwm-inclusion.yaml").read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match=rf"x\.yaml:\d+, rule behavior: settled_by names '{name}'"):
        parse_rulebook(text.replace("settled_by: [n_trials,", f"settled_by: [{name},"), "x.yaml")


def test_the_reason_names_the_rule_the_value_and_what_is_wanted() -> None:
    verdict = evaluate_session(record(qc="CRITICAL"), BWM)
    assert verdict.reason == "session_qc: CRITICAL not in (NOT_SET, PASS, WARNING, FAIL)"


def test_a_large_number_in_a_reason_keeps_its_digits() -> None:
    verdict = evaluate_session({"rms_ap_p90": 123456.0}, RIGOR, scope="probe")
    assert any(outcome.reason.startswith("ap_rms: 123456 not < 40") for outcome in verdict.outcomes), verdict.reason


def trials(**columns) -> pd.DataFrame:
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


def test_both_ends_of_the_reaction_time_are_kept() -> None:
    table = trials(stimOn_times=np.zeros(5), firstMovement_times=[0.0799, 0.08, 2.0, 2.0001, -0.1])
    assert trial_mask(table, BWM.trial_mask).tolist() == [False, True, True, False, False]


@pytest.mark.parametrize("field", BWM.trial_mask.not_nan)
def test_each_of_the_six_fields_must_be_there(field) -> None:
    table = trials(choice=np.ones(3))
    table.loc[1, field] = np.nan
    assert trial_mask(table, BWM.trial_mask).tolist() == [True, False, True]


def test_the_options_of_the_mask() -> None:
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


def test_a_missing_column_is_named() -> None:
    with pytest.raises(SchemaError, match="columns missing: choice"):
        trial_mask(trials(choice=[1]).drop(columns="choice"), BWM.trial_mask)


def test_facts_count_easy_trials_and_errors_within_the_mask() -> None:
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


def test_the_mask_of_a_rulebook_is_applied_and_one_without_is_refused() -> None:
    table = trials(stimOn_times=np.zeros(2), firstMovement_times=[0.07, 0.09])
    assert trial_mask_by(table, BWM).tolist() == [False, True]
    with pytest.raises(ConfigError, match="ibl-2022-10: it has no trial mask"):
        trial_mask_by(table, load_rulebook("ibl-2022-10"))
