"""The papers, programs and data sets that rules cite, and their BibTeX.

Contains the reader of `bibliography.yaml` and the formatting of one entry. Add a reference to the YAML file, not here.
Which rule cites what is stated by the rulebooks.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import metadata
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from nh_platform.session import ConfigError
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import parse_yaml, read_text

_FILE = Path(__file__).with_name("bibliography.yaml")


class Reference(BaseModel):
    """One thing that can be cited.

    ``short`` is how a sentence names it, for example ``IBL et al., 2025``. What states no year has ``read`` instead,
    the month in which it was read (a page of a forum), or its ``version`` (a program).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["article", "misc", "software"]
    short: str
    author: str
    title: str
    year: int | None = None
    journal: str | None = None
    volume: str | None = None
    pages: str | None = None
    doi: str | None = None
    url: str | None = None
    note: str | None = None
    read: str | None = None
    version: str | None = None

    def on_one_line(self) -> str:
        """Return author, year, title and address as one line of text."""
        dated = self.author.replace("{", "").replace("}", "") + f" ({self.year})" * (self.year is not None)
        titled = self.title + f", version {self.version}" * (self.version is not None)
        return ". ".join([dated, titled, *filter(None, [link(self)])])

    @model_validator(mode="after")
    def _dated(self) -> Reference:
        if self.year is None and self.read is None and self.version is None:
            raise ValueError("it needs a year, when it was read, or a version")
        return self


@lru_cache(maxsize=1)
def bibliography() -> dict[str, Reference]:
    """Return every reference by key.

    Raises
    ------
    ConfigError
        If `bibliography.yaml` is not as `Reference` describes.
    """
    return checked(parse_yaml(read_text(_FILE), _FILE.name), dict[str, Reference])


def link(reference: Reference) -> str:
    """Return the address of a reference: its DOI where it has one."""
    return f"https://doi.org/{reference.doi}" if reference.doi else reference.url or ""


def bibtex(key: str) -> str:
    """Return the BibTeX entry of a reference.

    Raises
    ------
    ConfigError
        If the bibliography has no such key.
    """
    if key not in bibliography():
        raise ConfigError(f"reference {key!r}", "unknown", "Add it to qc/rules/bibliography.yaml.")
    return bibtex_of(key, bibliography()[key])


def bibtex_of(key: str, reference: Reference) -> str:
    """Return the BibTeX entry of a reference under a key."""
    fields = {
        "author": reference.author,
        "title": f"{{{reference.title}}}",
        "journal": reference.journal,
        "year": str(reference.year or "n.d."),
        "volume": reference.volume,
        "pages": reference.pages.replace("–", "--") if reference.pages else None,
        "doi": reference.doi,
        "url": reference.url,
        "note": reference.note or _dated_note(reference),
    }
    entry = "article" if reference.kind == "article" else "misc"
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items() if value]
    return "\n".join([f"@{entry}{{{key},", ",\n".join(lines), "}"])


PLATFORM_KEY = "nh_platform"
"""Key of `platform_reference` in BibTeX."""


def platform_reference() -> Reference:
    """Return the reference of this platform, with its version."""
    about = metadata("nh-platform")
    return Reference(
        kind="software",
        short=f"nh-platform {about['Version']}",
        author=f"{{{about['Author']}}}",
        title=f"nh-platform: {about['Summary']}",
        version=about["Version"],
    )


def _dated_note(reference: Reference) -> str | None:
    if reference.version:
        return f"version {reference.version}"
    return f"read in {reference.read}" if reference.read else None
