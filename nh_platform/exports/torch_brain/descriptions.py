"""Who, when, where and on what terms: the descriptions of a recording.

Contains the data set, the animal, the session and the device as torch_brain's pipelines describe them, and where the
data come from. Add here what else they state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nh_platform.exports.animal import animal_of
from nh_platform.exports.origin import Origin
from nh_platform.exports.source_names import assumed_species
from nh_platform.exports.torch_brain.objects import Attribute, Group, data

if TYPE_CHECKING:
    from nh_platform.reading import SessionView

TORCH_BRAIN = "0.2.1"
"""Version whose files these are."""

SPECIES = "MUS_MUSCULUS"
"""Every session of IBL and the Allen Institute is of a mouse, and torch_brain's pipelines write it so; assumed of
others, whose sources have no place for it."""

TECHNIQUE = "NEUROPIXELS_ARRAY"


def description_groups(session: SessionView, origin: Origin) -> tuple[dict[str, Group], tuple[str, ...]]:
    """Return ``brainset``, ``subject``, ``session``, ``device`` and ``provenance``, whose facts are text, and notes.

    Parameters
    ----------
    session
        The session.
    origin
        Origin, terms and citations. The benchmark's ``unit_filtering`` is ``all_units`` where all units are in it.
    """
    info = session.info
    facts: dict[str, Attribute] = {
        "id": session.session_id,
        **_stated(task_protocol=info.task_protocol, projects=info.projects),
        **({"recording_date": f"{info.date} 00:00:00"} if info.date else {}),
    }
    device = "_".join(one for one in (info.lab, info.subject, info.date.replace("-", "")) if one)
    groups = {
        "brainset": data(_brainset(origin)),
        "subject": data({"id": info.subject or f"subject of {session.session_id}", **_animal(session)}),
        "session": data(facts),
        "device": data({"id": device or session.session_id, "recording_tech": TECHNIQUE}),
        "provenance": data({name: one for name, one in origin.to_texts().items() if one}),
    }
    return groups, assumed_species(session.source, SPECIES)


def _brainset(origin: Origin) -> dict[str, Attribute]:
    return {
        "id": origin.source,
        "origin_version": origin.release or "unknown",
        "derived_version": origin.made_by,
        "source": origin.title,
        "description": origin.description or origin.title,
        "torch_brain_version": TORCH_BRAIN,
        "unit_filtering": "all_units" if origin.units == "all" else "custom",
        "unit_filters": origin.units,
        **_stated(terms=origin.terms, license=origin.license, citations="\n".join(origin.cites)),
    }


def _animal(session: SessionView) -> dict[str, Attribute]:
    """Return species, and sex, age in days and genotype where the source states them."""
    animal = animal_of(session)
    return {
        "species": SPECIES,
        **_stated(sex=animal.sex, genotype=animal.genotype),
        **({} if animal.age_days is None else {"age": animal.age_days}),
    }


def _stated(**facts: str | None) -> dict[str, Attribute]:
    return {name: str(one) for name, one in facts.items() if one}
