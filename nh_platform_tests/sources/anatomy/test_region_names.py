"""Regions as people name them: descendants, Beryl and Cosmos, visual areas, and refusals with the nearest."""

from __future__ import annotations

import pytest

from nh_platform.session import ConfigError
from nh_platform.sources.anatomy.region_names import VISUAL_HOMONYMS, find_region
from nh_platform.sources.anatomy.regions import regions_of_acronyms


@pytest.mark.parametrize(
    ("asked", "acronym"),
    [("V1", "VISp"), ("LM", "VISl"), ("AL", "VISal"), ("PM", "VISpm"), ("AM", "VISam"), ("RL", "VISrl"),
     ("LGN", "LGd"), ("v1", "VISp"), ("visp", "VISp"), ("TH", "TH"), (" VISp ", "VISp"), ("CCF: VISp", "VISp")],
)  # fmt: skip
def test_the_names_of_the_visual_areas_are_those_of_the_ccf(asked: str, acronym: str) -> None:
    assert find_region(asked, VISUAL_HOMONYMS).acronym == acronym


def test_a_name_that_the_ccf_has_for_another_structure_is_said() -> None:
    visual = find_region("AM", VISUAL_HOMONYMS)
    assert visual.acronym == "VISam"
    assert visual.note == "AM is read as VISam, Anteromedial visual area; the anteromedial nucleus is `ccf:AM`"
    assert find_region("ccf:AM", VISUAL_HOMONYMS).name == "Anteromedial nucleus"
    assert find_region("AM").note == ""
    assert find_region("V1", VISUAL_HOMONYMS).note == ""


def test_a_region_has_all_that_lies_below_it_in_each_parcellation() -> None:
    thalamus = find_region("TH").acronyms  # a Cosmos region
    assert {"LGd", "LGd-co", "LP", "AM", "TH"} <= thalamus
    assert "VISp" not in thalamus
    regions = regions_of_acronyms(sorted(thalamus))
    assert set(regions["cosmos"]) == {"TH"}
    beryl = find_region("VISp").acronyms
    assert set(regions_of_acronyms(sorted(beryl))["beryl"]) == {"VISp"}


def test_two_acronyms_that_differ_in_case_alone_are_told_apart() -> None:
    assert find_region("CM").name != find_region("cm").name
    with pytest.raises(ConfigError):
        find_region("Cm")


@pytest.mark.parametrize(
    ("asked", "near"),
    [("LGDD", "LGd"), ("VISpp", "VISp"), ("CA11", "CA1"), ("V11", "V1"), ("lateral geniculate", "LGd"), ("ccf:V1", "")],
)
def test_an_unknown_region_is_refused_with_the_nearest(asked: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"region '{asked}'") as refused:
        find_region(asked)
    assert near in refused.value.action
