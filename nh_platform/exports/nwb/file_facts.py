"""The file itself: who was recorded, when and where, and the origin, terms and citations of the data.

Add here what NWB states once per file. Everything that is measured is in the modules beside.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from pynwb import NWBFile
from pynwb.file import Subject

from nh_platform.exports.animal import animal_of
from nh_platform.exports.layout import Request
from nh_platform.exports.nwb.stable_ids import identifier
from nh_platform.exports.origin import Origin
from nh_platform.exports.source_names import assumed_species
from nh_platform.reading import SessionView
from nh_platform.session import UnknownSession

ORIGIN = "nh_origin"
"""Scratch data with the origin as JSON."""

SPECIES = "Mus musculus"
"""Of every animal of IBL and the Allen Institute; assumed of others, whose sources have no place for it."""

NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands where no date is known: the standard demands one."""

NO_AGE = "P0D/"
"""0 days or older: the standard's checks demand an age, and an unknown one is a range without an end."""


def make_file(session: SessionView, request: Request, notes: list[str]) -> NWBFile:
    """Return a file with subject, dates, origin and terms, and nothing measured in it.

    Parameters
    ----------
    session, request
        What is written.
    notes
        Takes what had to be assumed.
    """
    origin, info = request.origin, session.info
    started, said = _start_time(session)
    if said:
        notes.append(said)
    nwbfile = NWBFile(
        session_description=" ".join(
            filter(
                None, [f"{origin.title}, session {session.session_id}.", f"Times are seconds from its start. {said}"]
            )
        ).strip(),
        identifier=identifier(
            origin.to_json(), " ".join(map(str, request.rows.tolist())), repr(sorted(request.options.items()))
        ),
        session_start_time=started,
        file_create_date=[started],  # PyNWB would take the clock's
        session_id=session.session_id.replace("/", "-"),
        experiment_description=origin.description or origin.title,
        institution=origin.organisation or None,
        lab=info.lab or None,
        protocol=info.task_protocol or None,
        keywords=["Neuropixels", "extracellular electrophysiology", "spike sorting", "mouse", origin.title],
        related_publications=_publications(origin.cites) or None,
        notes=_origin_in_words(origin),
        data_collection=_sortings(session) or None,
    )
    nwbfile.subject = _subject(session, notes)
    nwbfile.add_scratch(origin.to_json(), name=ORIGIN, description="Origin of the data, as JSON: data versions, terms")
    return nwbfile


def _start_time(session: SessionView) -> tuple[datetime, str]:
    """Return when the session started, with a time zone, and what was assumed."""
    try:
        stated = datetime.fromisoformat(str(session.metadata.get("date_of_acquisition")))
    except (UnknownSession, ValueError):
        pass
    else:
        if stated.tzinfo is not None:
            return stated, ""
        return stated.replace(tzinfo=UTC), "The time zone of the start is not stated; UTC is assumed."
    try:
        day = datetime.fromisoformat(session.info.date[:10])
    except ValueError:
        return NO_DATE, f"The date of the session is not known; {NO_DATE:%Y-%m-%d} stands for it."
    return day.replace(
        tzinfo=UTC
    ), "The time of day of the start is not stated; midnight (UTC) of its date stands for it."


def _subject(session: SessionView, notes: list[str]) -> Subject:
    animal, name = animal_of(session), session.info.subject.replace("/", "-")
    if not name or name == "unknown":
        name = "unknown"
        notes.append("the subject is not known; it is written as unknown")
    notes += assumed_species(session.source, SPECIES)
    sex, days = animal.sex.upper()[:1], animal.age_days
    sex = sex if sex in ("F", "M", "O") else "U"
    age = NO_AGE if days is None else f"P{days:g}D"
    if days is None:
        notes.append(f"the age of the subject is not stated; {NO_AGE} (0 days or older) stands for it")
    return Subject(
        subject_id=name,
        species=SPECIES,
        sex=sex,
        age=age,
        genotype=animal.genotype or None,
        description="Laboratory mouse." + (" Its age is not stated by the release." if days is None else ""),
    )


def _publications(cites: Sequence[str]) -> list[str]:
    """Return the DOI of every work that has one, which is what NWB asks for; `notes` has all citations in full."""
    return [match[0] for one in cites if (match := re.search(r"https://doi\.org/\S+$", one))]


def _origin_in_words(origin: Origin) -> str:
    cites, judged = ([f"- {one}" for one in works] for works in (origin.cites, origin.rulebook_cites))
    lines = [
        f"Made by {origin.made_by} from {origin.title} ({origin.source}, release {origin.release or 'not stated'}).",
        f"Terms: {origin.terms or 'not known here'}" + (f" ({origin.license})" if origin.license else ""),
        *(["Cite:", *cites] if cites else []),
        f"Rulebook of the verdicts: {origin.rulebook or 'none'}." + (" It cites:" if judged else ""),
        *judged,
        "Data versions: " + ", ".join(f"{name} {one}" for name, one in sorted(origin.data_versions.items())) + ".",
    ]
    return "\n".join(lines)


def _sortings(session: SessionView) -> str:
    lines = []
    for row in session.probes.to_dict("records"):
        stated = {"revision": row["revision"], "sorter": row["sorter"], "insertion": row["insertion_id"]}
        said = ", ".join(f"{name} {value}" for name, value in stated.items() if value)
        lines.append(f"{row['probe']}: {row['collection']}" + (f" ({said})" if said else ""))
    return "\n".join(lines)
