"""What whoever uses data cites, and what the data may be used for: of sources, of rulebooks, of this platform.

Contains the collection and its three forms: text, markdown, BibTeX. Add a form here. What a home, or a training set of
it, is made of is said by `nh_platform.operations.exports.citing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nh_platform.qc.rules.bibliography import PLATFORM_KEY, Reference, bibliography, bibtex_of, platform_reference
from nh_platform.qc.rules.methods import cited
from nh_platform.qc.rules.rulebook_model import Rulebook
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.sources.entry import SourceEntry

UNKNOWN_TERMS = "not known here; ask those who made the recordings"


@dataclass(frozen=True)
class CitedPart:
    """Something that is cited: a data set, a rulebook, the platform.

    Parameters
    ----------
    title
        What it is.
    works
        What is cited for it, by key.
    terms, license
        What it may be used for, and the address of that; empty where it is no data set.
    """

    title: str
    works: Mapping[str, Reference]
    terms: str = ""
    license: str = ""


def cited_data(entry: SourceEntry) -> CitedPart:
    """Return what is cited for a source, and its terms."""
    works = {key: bibliography()[key] for key in entry.cites}
    return CitedPart(f"{entry.title} ({entry.name})", works, entry.terms or UNKNOWN_TERMS, entry.license)


def cited_rulebook(rulebook: Rulebook) -> CitedPart:
    """Return what is cited where a rulebook judged the units: the works of its methods paragraph."""
    works = {key: bibliography()[key] for key in cited(rulebook)}
    return CitedPart(f"Unit quality by rulebook {rulebook.id}, version {rulebook.version}", works)


def cited_platform() -> CitedPart:
    """Return what is cited for this platform."""
    return CitedPart("Software", {PLATFORM_KEY: platform_reference()})


def as_text(parts: Sequence[CitedPart]) -> str:
    """Return what to cite as text."""
    lines: list[str] = []
    for part in parts:
        lines += [part.title]
        lines += [f"  terms: {_terms(part)}"] if part.terms else []
        lines += [f"  cite: {work.on_one_line()}" for work in part.works.values()]
        lines += [] if part.works else ["  cite: no work is named here"]
    return "\n".join(lines)


def as_markdown(parts: Sequence[CitedPart]) -> str:
    """Return what to cite as Markdown, a section per part."""
    lines: list[str] = []
    for part in parts:
        lines += [f"## {part.title}", ""]
        lines += [f"Terms: {_terms(part)}", ""] if part.terms else []
        lines += [f"- {work.on_one_line()}" for work in part.works.values()] or ["No work is named here."]
        lines += [""]
    return "\n".join(lines).rstrip("\n")


def as_bibtex(parts: Sequence[CitedPart]) -> str:
    """Return what to cite as BibTeX, each work once; terms are comments, which BibTeX skips."""
    terms = [f"% {part.title}: {_terms(part)}" for part in parts if part.terms]
    works = {key: work for part in parts for key, work in part.works.items()}
    return "\n".join(terms) + "\n\n" * bool(terms) + "\n\n".join(bibtex_of(key, works[key]) for key in sorted(works))


FORMATS: Mapping[str, Callable[[Sequence[CitedPart]], str]] = {
    "text": as_text,
    "bibtex": as_bibtex,
    "markdown": as_markdown,
}


def formatted(parts: Sequence[CitedPart], form: str) -> str:
    """Return what to cite in a form.

    Raises
    ------
    ConfigError
        If there is no such form.
    """
    if form not in FORMATS:
        near = close_matches(form, FORMATS)
        raise ConfigError(f"format {form!r}", f"there are {', '.join(FORMATS)}", f"Use one of those.{near}")
    return FORMATS[form](parts)


def _terms(part: CitedPart) -> str:
    return part.terms + f" {part.license}" * bool(part.license)
