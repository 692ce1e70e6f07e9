"""One optional thing never decides over the others: every object of a session damaged in every way, one at a time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from nh_platform.simulation import TINY
from nh_platform_tests.end_to_end.messy import Case, MessyHome, cases
from nh_platform_tests.homes import WRITERS, make_home

SOURCES = ("ibl", "allen_vc", "allen_vbn")
N_SAMPLED, SEED = 16, 2022


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, MessyHome]:
    made: dict[str, MessyHome] = {}
    for source in SOURCES:
        made[source] = MessyHome(make_home(tmp_path_factory.mktemp(source) / "home", (source,)), source)
    return made


def judged(home: MessyHome, case: Case) -> list[str]:
    """Return what is wrong with the outcome of a case; nothing where it is as it should be."""
    outcome = home.run(case)
    wrong = [f"{case}: {asset} not made: {why}" for asset, why in outcome.failed.items()]
    if outcome.silent:
        wrong.append(f"{case}: {', '.join(outcome.silent)} differ without a note")
    return wrong


def run_all(homes: dict[str, MessyHome], chosen: Iterator[Case] | list[Case]) -> None:
    wrong = [text for case in chosen for text in judged(homes[case.source], case)]
    assert wrong == [], "\n".join(wrong)


@pytest.mark.slow
def test_a_sample_of_damaged_objects_takes_no_asset_away(homes: dict[str, MessyHome]) -> None:
    every = [case for source, home in homes.items() for case in cases(source, home.upstream)]
    run_all(homes, random.Random(SEED).sample(every, N_SAMPLED))


@pytest.mark.soak
@pytest.mark.parametrize("source", SOURCES)
def test_no_damaged_object_takes_an_asset_away(source: str, homes: dict[str, MessyHome]) -> None:
    """Hours for all sources; the table is printed with ``-s``."""
    wrong: list[str] = []
    counted = 0
    for case in cases(source, homes[source].upstream):
        found = judged(homes[source], case)
        counted += 1
        wrong += found
        print("wrong " if found else "right ", case, *found[:1], flush=True)
    print(f"{source}: {counted} cases, {len(wrong)} wrong")
    assert wrong == [], "\n".join(wrong)


def test_every_source_has_cases(tmp_path: Path) -> None:
    for source in SOURCES:
        WRITERS[source](tmp_path / source, 1, 7, size=TINY)
        found = list(cases(source, tmp_path / source))
        assert len(found) == len({str(case) for case in found}) > 100
