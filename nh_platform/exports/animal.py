"""What the source states of the animal of a session: sex, age and genotype.

Contains the one place where every layout takes them from. Add here what another source states of an animal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nh_platform.session import UnknownSession

if TYPE_CHECKING:
    from nh_platform.reading import SessionView


@dataclass(frozen=True)
class Animal:
    """The animal of a session.

    Parameters
    ----------
    sex, genotype
        As the source states them; empty where it does not.
    age_days
        Age on the day of the session, in days; None where it is not stated.
    """

    sex: str = ""
    age_days: float | None = None
    genotype: str = ""


def animal_of(session: SessionView) -> Animal:
    """Return what is stated: by the tables of the release, else by the session's own file."""
    facts = session.released_facts
    try:
        own = session.metadata
    except UnknownSession:
        own = {}
    sex, age, genotype = (
        facts.get(name) or own.get(other)
        for name, other in (("sex", "sex"), ("age_in_days", "age_in_days"), ("genotype", "full_genotype"))
    )
    return Animal(str(sex or ""), None if age is None else float(age), str(genotype or ""))
