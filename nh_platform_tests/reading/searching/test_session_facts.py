"""Searching sessions by what a release states of them: animal, stimuli, QC, regions; and refusals with the nearest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from nh_platform.history.manifest import Manifest
from nh_platform.history.released_tables import ReleasedTables, store_released
from nh_platform.reading.searching.session_facts import FactQuery
from nh_platform.reading.searching.session_search import SessionQuery, find_sessions
from nh_platform.session import ConfigError
from nh_platform.session.tables.catalogue.manifest import FILES, INSERTIONS, SESSIONS
from nh_platform.store import Store

SST, VIP = "Sst-IRES-Cre/wt;Ai32(RCL-ChR2(H134R)_EYFP)/wt", "Vip-IRES-Cre/wt"


def manifest(source: str = "allen_vbn") -> Manifest:
    rows = [("s1", None), ("s2", "abnormal_histology: VISp"), ("s3", None), ("s4", None)]
    sessions = pd.DataFrame(rows, columns=["session_id", "qc"]).assign(subject="m", number=np.uint16(1))
    insertions = pd.DataFrame({"session_id": ["s1", "s1", "s2"], "insertion_id": ["p1", "p2", "p3"]})
    insertions["probe"] = ["probeA", "probeB", "probeA"]
    return Manifest(source, "0.5.0", SESSIONS.conform(sessions), INSERTIONS.conform(insertions), FILES.empty())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    sessions = pd.DataFrame(
        {
            "session_id": ["s1", "s2", "s3", "s4"],
            "genotype": [SST, SST, VIP, "wt/wt"],
            "sex": ["F", "M", "F", None],
            "age_in_days": [120.0, 130.0, 140.0, np.nan],
            "image_set": ["G", "H", "G", "H"],
            "experience_level": ["Novel", "Novel", "Familiar", "Familiar"],
            "prior_exposures_to_image_set": [0.0, 0.0, 32.0, 31.0],
            "project_code": "NeuropixelVisualBehavior",
        }
    )
    place = {"probe": "probeA", "beryl": None, "cosmos": None}
    units = pd.DataFrame(
        {
            "session_id": ["s1", "s1", "s3"],
            "insertion_id": ["p1", "p1", "p9"],
            "unit_id": ["1", "2", "3"],
            "acronym": ["LGd-co", "VISp", "VISam"],
            **place,
        }
    )
    store_released(store, "allen_vbn", ReleasedTables("0.5.0", (), sessions=sessions, units=units), "1")
    return store


def ids(store: Store, **facts: object) -> list[str]:
    query = SessionQuery(facts=FactQuery(**facts))  # type: ignore[arg-type]
    return find_sessions(manifest(), store, query)["session_id"].tolist()


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"genotype": "sst"}, ["s1", "s2"]),
        ({"genotype": "Sst", "experience_level": "novel", "qc": "pass"}, ["s1"]),
        ({"qc": "fail"}, ["s2"]),
        ({"sex": "f", "image_set": "G"}, ["s1", "s3"]),
        ({"min_age_days": 125, "max_age_days": 140}, ["s2", "s3"]),
        ({"max_prior_exposures": 0}, ["s1", "s2"]),
        ({"min_prior_exposures": 32}, ["s3"]),
        ({"experience_level": "Familiar", "sex": "M"}, []),
    ],
)
def test_sessions_are_found_by_what_the_release_states(
    store: Store, facts: dict[str, object], found: list[str]
) -> None:
    assert ids(store, **facts) == found


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"genotype": "Stt"}, f"There are: {SST}"),
        ({"experience_level": "Novell"}, "Did you mean Novel"),
        ({"image_set": "K"}, "There are: G, H"),
        ({"qc": "warning"}, "There are: FAIL, PASS"),
    ],
)
def test_a_value_that_no_session_has_is_refused_with_those_there_are(
    store: Store, facts: dict[str, object], says: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        ids(store, **facts)
    assert says in refused.value.action


@pytest.mark.parametrize("facts", [{"genotype": "Sst"}, {"qc": "pass"}, {"min_age_days": 1.0}])
def test_a_fact_that_a_source_does_not_state_is_refused_by_name(tmp_path: Path, facts: dict[str, object]) -> None:
    query = SessionQuery(facts=FactQuery(**facts))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"allen_vc states no"):
        find_sessions(manifest("allen_vc"), Store(tmp_path / "other"), query)


def test_levels_of_ibl_are_matched_as_they_are(tmp_path: Path) -> None:
    stated = manifest("ibl")
    stated.sessions["qc"] = ["PASS", "CRITICAL", None, "WARNING"]
    found = find_sessions(stated, Store(tmp_path), SessionQuery(facts=FactQuery(qc="pass")))
    assert found["session_id"].tolist() == ["s1"]


def test_regions_come_from_the_released_tables_with_all_below(store: Store) -> None:
    def of(region: str) -> list[str]:
        return find_sessions(manifest(), store, SessionQuery(region=region))["session_id"].tolist()

    assert of("LGN") == of("TH") == ["s1"]
    assert of("AM") == ["s3"]
    assert of("Isocortex") == ["s1", "s3"]
    with pytest.raises(ConfigError, match="Did you mean VISp"):
        of("VISpp")


def test_least_numbers_of_probes_and_units(store: Store) -> None:
    assert find_sessions(manifest(), store, SessionQuery(min_probes=2))["session_id"].tolist() == ["s1"]
    assert find_sessions(manifest(), store, SessionQuery(min_units=1))["session_id"].tolist() == ["s1", "s3"]
