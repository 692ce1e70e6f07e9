"""Sessions and regions held against the published rules, on what a store has of them."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.qc.rules.rulebook_model import RegionRules
from nh_platform.reading.inclusion import region_selection, session_inclusion
from nh_platform.session import ConfigError, UnknownSession
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.session.tables.events import TRIALS
from nh_platform.session.tables.noise import NOISE_PROBES
from nh_platform.session.tables.spikes import RAW_UNITS
from nh_platform.session.tables.units import CHANNEL_POSITIONS, UNITS
from nh_platform.store import Provenance, Store
from nh_platform.store.codecs.parquet import write_table

BWM, RIGOR = load_rulebook("ibl-bwm-inclusion"), load_rulebook("ibl-rigor")


def publish(store: Store, session: str, asset: str) -> AbstractContextManager[Path]:
    return store.publish(
        Provenance(asset=asset, source="ibl", session_id=session, data_version="0" * 64, code_version="1")
    )


def a_manifest(*insertions: dict, qc: str | None = None, extended_qc: str | None = None) -> Manifest:
    sessions = sorted({row["session_id"] for row in insertions} | {"s1"})
    table = pd.DataFrame(
        {"session_id": sessions, "subject": "m", "number": np.uint16(1), "qc": qc, "extended_qc": extended_qc}
    )
    rows = INSERTIONS.conform(pd.DataFrame(insertions)) if insertions else INSERTIONS.empty()
    return Manifest("ibl", "test", SESSIONS.conform(table), rows, FILES.empty())


def probe(name: str, **stated: str) -> dict:
    return {"session_id": "s1", "insertion_id": f"s1_{name}", "probe": name, **stated}


def write_trials(store: Store, n: int, n_errors: int = 5) -> None:
    feedback = np.where(np.arange(n) < n_errors, -1.0, 1.0)
    start = np.arange(n, dtype=float) * 4
    table = pd.DataFrame(
        {
            "start_time": start, "stop_time": start + 3, "stimOn_times": start + 0.5, "feedback_times": start + 1,
            "firstMovement_times": start + 0.7, "choice": 1.0, "probabilityLeft": 0.8, "contrastLeft": 1.0,
            "feedbackType": feedback,
        }
    )  # fmt: skip
    table.loc[n - 1, "firstMovement_times"] = np.nan
    with publish(store, "s1", "events") as folder:
        write_table(folder / "trials.parquet", TRIALS.conform(table), TRIALS)


def write_units(store: Store, session: str, units: dict[str, list[bool]], region: str = "CA1") -> None:
    """Write units by probe, each good or not, all in one region with final positions; ten channels a probe."""
    names = [name for name, good in units.items() for _ in good]
    good = np.array([each for of_probe in units.values() for each in of_probe], dtype=bool)
    table = RAW_UNITS.conform(
        pd.DataFrame(
            {"unit_id": [str(row) for row in range(len(names))], "probe": names, "cluster_id": range(len(names))}
            | {"channel": 0, "n_spikes": 1}
        )
    ).assign(atlas_id=1, beryl=region, histology="alf", review="none")
    table["label.ibl-2022-10"], table["pass.ibl-2022-10"] = good.astype(float), good
    channels = pd.DataFrame({"probe": np.repeat(list(units), 10), "channel": list(range(10)) * len(units)})
    with publish(store, session, "units") as folder:
        write_table(folder / "units.parquet", UNITS.conform(table), UNITS)
        positions = CHANNEL_POSITIONS.conform(channels.assign(atlas_id=1, histology="alf"))
        write_table(folder / "channels.parquet", positions, CHANNEL_POSITIONS)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_a_session_of_which_all_is_stored_passes_without_alyx(store: Store) -> None:
    write_trials(store, 401)
    write_units(store, "s1", {"probe00": [True], "probe01": [False]})
    found = session_inclusion(store, a_manifest(probe("probe00"), probe("probe01")), "s1", BWM)
    assert (found.passed, found.word, found.reason, found.not_made) == (True, "pass", "", ())
    assert (found.n_trials, found.n_trials_kept, found.n_probes_passed) == (401, 400, 2)
    # The public tables state no QC; the training criterion is settled by the trials, the alignment by the files.
    assert found.not_known[0] == "session_qc"
    assert "insertion_qc" in found.not_known
    assert sum(rule.startswith("task_") for rule in found.not_known) == 10
    assert not {"behavior", "alignment_resolved", "tracing_exists"} & set(found.not_known)


@pytest.mark.parametrize(
    ("n_trials", "n_errors", "says"),
    [(400, 5, "n_trials: 400 not > 400"), (500, 2, "min_errors: 2 not >= 3"), (500, 50, "performance_easy: 0.9 not")],
)
def test_each_criterion_of_the_trials_fails_in_words(store: Store, n_trials: int, n_errors: int, says: str) -> None:
    write_trials(store, n_trials, n_errors)
    found = session_inclusion(store, a_manifest(probe("probe00", alignment_resolved="yes")), "s1", BWM)
    assert found.word == "fail"
    assert says in found.reason


def test_what_the_catalogue_states_counts(store: Store) -> None:
    write_trials(store, 500)
    write_units(store, "s1", {"probe00": [True]})
    critical = session_inclusion(store, a_manifest(probe("probe00"), qc="CRITICAL"), "s1", BWM)
    assert "session_qc: CRITICAL not in" in critical.reason
    unresolved = session_inclusion(store, a_manifest(probe("probe00", alignment_resolved="no")), "s1", BWM)
    assert unresolved.word == "fail"
    assert "probe00: " in unresolved.reason
    assert "alignment_resolved: False not == True" in unresolved.reason


def test_the_single_checks_that_alyx_states_count(store: Store) -> None:
    insertion = probe("probe00", alignment_resolved="yes", qc="PASS")
    checks = {rule.field.removeprefix("extended_qc."): 1.0 for rule in BWM.session if rule.id.startswith("task_")}
    for changed, passed in ((({}), True), ({"_task_reward_volumes": 0.5}, False), ({"behavior": 0}, False)):
        stated = json.dumps({**checks, "behavior": 1, **changed})
        found = session_inclusion(store, a_manifest(insertion, qc="PASS", extended_qc=stated), "s1", BWM)
        # Nothing was made of the session: what Alyx says is enough.
        assert found.passed is passed, found.reason
        assert found.not_known == ("n_trials", "performance_easy", "min_errors")
    override = json.dumps({**checks, "behavior": 1, "_task_reward_volumes": 0.5, "experimenter_task": "PASS"})
    assert session_inclusion(store, a_manifest(insertion, extended_qc=override), "s1", BWM).passed


def test_one_insertion_that_passes_includes_the_session(store: Store) -> None:
    write_trials(store, 500)
    rows = (
        probe("probe00", alignment_resolved="yes", qc="PASS"),
        probe("probe01", alignment_resolved="yes", qc="CRITICAL"),
    )
    found = session_inclusion(store, a_manifest(*rows), "s1", BWM)
    assert (found.passed, found.n_probes_passed) == (True, 1)
    assert found.reason.startswith("probe01: insertion_qc: CRITICAL not in")


def test_a_session_that_was_not_made_is_judged_by_the_policy_and_says_so(store: Store) -> None:
    found = session_inclusion(store, a_manifest(probe("probe00")), "s1", BWM)
    assert (found.word, found.not_made, found.n_trials) == ("fail", ("events", "units"), None)
    assert "behavior: extended_qc.behavior not known counts as fail" in found.reason
    assert "probe00: tracing_exists: extended_qc.tracing_exists not known counts as fail" in found.reason
    assert {"n_trials", "min_errors", "alignment_resolved"} < set(found.not_known)
    # Nothing at all is known, and no rule says what that means.
    assert session_inclusion(store, a_manifest(probe("probe00")), "s1", RIGOR).word == "not known"


def test_rigor_counts_the_yield_and_does_not_know_noise_and_lfp(store: Store) -> None:
    write_trials(store, 400)
    write_units(store, "s1", {"probe00": [True, True, False], "probe01": [True, False, False]})
    found = session_inclusion(store, a_manifest(probe("probe00"), probe("probe01")), "s1", RIGOR)
    assert found.passed
    assert found.not_known == ("ap_rms", "lfp_derivative")
    assert found.reason == "probe01: neuron_yield: 0.1 not > 0.1 units per channel"


def test_rigor_knows_noise_and_lfp_where_noise_was_made(store: Store) -> None:
    write_trials(store, 400)
    write_units(store, "s1", {"probe00": [True, True, False], "probe01": [True, True, False]})
    table = pd.DataFrame(
        {
            "probe": ["probe00", "probe01"],
            "n_channels": 384,
            "rms_ap_p90": [18.0, 55.0],
            "lfp_derivative": [0.4, np.nan],
        }
    )
    with publish(store, "s1", "noise") as folder:
        write_table(folder / "noise_probes.parquet", NOISE_PROBES.conform(table), NOISE_PROBES)
    found = session_inclusion(store, a_manifest(probe("probe00"), probe("probe01")), "s1", RIGOR)
    assert found.passed
    assert found.reason == "probe01: ap_rms: 55 not < 40 µV"
    assert found.not_known == ("lfp_derivative",)
    assert found.probes["probe00"].not_known == ()


def test_a_rulebook_that_is_not_about_these_sessions_is_refused(store: Store) -> None:
    with pytest.raises(ConfigError, match="no rules about sessions"):
        session_inclusion(store, a_manifest(), "s1", load_rulebook("ibl-2022-10"))
    other = BWM.model_copy(update={"sources": ["toy"]})
    with pytest.raises(ConfigError, match="it is for toy and not for ibl"):
        session_inclusion(store, a_manifest(), "s1", other)


def test_regions_are_selected_over_all_stored_sessions(store: Store) -> None:
    write_units(store, "s1", {"probe00": [True, True, False]}, "CA1")
    write_units(store, "s2", {"probe00": [True, True, True]}, "CA1")
    write_units(store, "s3", {"probe00": [True, True]}, "LP")
    rules = BWM.model_copy(update={"regions": RegionRules(min_units=2, min_sessions=2, why="test")})
    table = region_selection(store, "ibl", rules, "ibl-2022-10").set_index("region")
    assert table.loc["CA1", ["sessions", "units", "kept"]].tolist() == [2, 5, True]
    assert table.loc["LP", "why_not"] == "1 of the 2 sessions needed with at least 2 good units"
    with pytest.raises(UnknownSession, match="were not judged by it"):
        region_selection(store, "ibl", rules, "nh-common")
    with pytest.raises(ConfigError, match="no rules about regions"):
        region_selection(store, "ibl", RIGOR, "ibl-2022-10")
    with pytest.raises(UnknownSession, match="no session has units yet"):
        region_selection(store, "allen_vc", rules, "ibl-2022-10")
