"""Counts that releases are published to have, with the source of every number.

Contains the reader of a source's `published_counts.yaml` and the choice of the published release that a manifest shows.
Add a release or a number to the YAML file in the source's folder. Counting and comparing is
`nh_platform.qc.published.reconcile`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Set
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from nh_platform.qc.rules.bibliography import bibliography
from nh_platform.qc.rules.rulebook import load_rulebook
from nh_platform.session import ConfigError
from nh_platform.session.errors import close_matches
from nh_platform.session.yaml_files.validation_errors import checked
from nh_platform.session.yaml_files.yaml_file import YamlFile, parse_yaml, read_text
from nh_platform.sources.registry import sources

_Text = Annotated[str, Field(min_length=1)]
Match = Literal["named", "configured", "stands in", "at least", "none"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedCount(_Strict):
    """One number, and the key of the bibliography entry or the https address that states it."""

    value: Annotated[int, Field(ge=0, strict=True)]
    cited: _Text


class KnownDifference(_Strict):
    """A value that is met although another is published, and why; ``accepted`` lets a complete release pass with it."""

    count: _Text
    value: Annotated[int, Field(ge=0, strict=True)]
    accepted: bool
    why: _Text


class PublishedRelease(_Strict):
    """Published content of one release.

    ``names`` are the words in the name of a manifest's release that mean this one. ``served_as`` are words that mean it
    where the manifest lists what upstream serves and not what lies in a folder: a mode or a bare version, which folders
    of simulated sessions have too. A release that matches ``stands_in_for`` (regular expression) and has no counts of
    its own is held against this one, and a listing whose release is one of ``within`` should hold this one and more;
    neither contradicts anything. Where all that says too little, ``published: <id>`` in ``sources.yaml`` chooses a
    release. ``good_units_by`` is the rulebook that the published numbers of good units were made with. A difference
    that is ``known`` is shown with its reason.
    """

    title: _Text
    names: list[_Text] = Field(min_length=1)
    served_as: list[_Text] = []
    stands_in_for: _Text | None = None
    within: list[_Text] = []
    good_units_by: _Text
    counts: dict[str, PublishedCount]
    known: list[KnownDifference] = []

    def content_version(self, source: str) -> str:
        """Return sha256 over everything stated of the release of a source."""
        stated = {"source": source, **self.model_dump(mode="json")}
        return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def published_releases(source: str) -> dict[str, PublishedRelease]:
    """Return every published release of a source by id, in the order of its file; none where it has no file.

    Raises
    ------
    ConfigError
        As of `parse_published`.
    """
    entry = sources().get(source)
    if entry is None or entry.published_counts is None:
        return {}
    own = {load_rulebook(name).id for name in (entry.rulebook, *entry.also_rulebooks)}
    return _read(entry.published_counts, frozenset(own))


@cache
def _read(file: Path, rulebooks: frozenset[str]) -> dict[str, PublishedRelease]:
    return parse_published(read_text(file), str(file), rulebooks)


def parse_published(text: str, file: str, rulebooks: Set[str]) -> dict[str, PublishedRelease]:
    """Parse and check published counts.

    Parameters
    ----------
    text, file
        Text of the YAML file, and its name for errors.
    rulebooks
        Ids of the rulebooks that may have made numbers of good units.

    Raises
    ------
    ConfigError
        With the line, if the file is not as `PublishedRelease` describes, a count, rulebook or reference is unknown,
        sessions are not stated, or a name means two releases.
    """
    from nh_platform.qc.published.reconcile import COUNTS

    source = parse_yaml(text, file)
    releases = checked(source, dict[str, PublishedRelease])
    names: dict[str, str] = {}
    for release_id, release in releases.items():
        for name in (*release.counts, *(one.count for one in release.known)):
            if name not in COUNTS:
                action = f"Use one of: {', '.join(COUNTS)}.{close_matches(name, COUNTS)}"
                raise _problem(source, release_id, "counts", f"unknown count {name!r}", action)
        for name, count in release.counts.items():
            if count.cited not in bibliography() and not count.cited.startswith("https://"):
                found = f"{name} cites {count.cited!r}, which is unknown"
                action = "Add it to qc/rules/bibliography.yaml, or give its https address."
                raise _problem(source, release_id, "counts", found, action)
        if "sessions" not in release.counts:
            raise _problem(source, release_id, "counts", "sessions are not stated", "Coverage is a share of them.")
        if release.good_units_by not in rulebooks:
            found = f"unknown rulebook {release.good_units_by!r}"
            raise _problem(source, release_id, "good_units_by", found, f"Use one of: {', '.join(sorted(rulebooks))}.")
        for name in (*release.names, *release.served_as):
            if name in names:
                found = f"the name {name!r} means {names[name]} already"
                raise _problem(source, release_id, "names", found, "Keep it at one release.")
            names[name] = release_id
    return releases


@dataclass(frozen=True)
class Recognised:
    """The published release that a manifest shows.

    Parameters
    ----------
    release
        The release; None where none is known.
    match
        How it was found: ``named`` by the manifest itself, ``configured``, ``stands in`` (the counts are of another
        version), ``at least`` (the listing should hold it and more), or ``none``.
    note
        What that means for the comparison, in words; empty for ``named`` and ``configured``.
    """

    release: PublishedRelease | None
    match: Match
    note: str = ""

    @property
    def whole(self) -> bool:
        """Whether the manifest says itself that it shows this release."""
        return self.match == "named"

    @property
    def binding(self) -> bool:
        """Whether a count that is not the published one contradicts the release."""
        return self.match in ("named", "configured")


def published_release(
    source: str, release: str, configured: str | None = None, *, of_folder: bool = False
) -> Recognised:
    """Return the published release that a manifest shows, by the words in the name of its release.

    Parameters
    ----------
    source
        Name of the source.
    release
        Name of the manifest's release, for example ``2024_Q2_IBL_et_al_BWM_iblsort, follow_default``. Its words,
        between commas and blanks, are compared with the names of the published releases; the first that is one counts.
    configured
        Id of the published release that the configuration names; it wins over the manifest's own name.
    of_folder
        Whether the manifest lists what lies in a folder; modes, bare versions and revision policies then say nothing.

    Raises
    ------
    ConfigError
        If the source has no such published release.
    """
    releases = published_releases(source)
    words = re.split(r"[,\s]+", release)
    own = {
        name: release_id
        for release_id, one in releases.items()
        for name in (*one.names, *(() if of_folder else one.served_as))
    }
    named = next((own[word] for word in words if word in own), None)
    if configured is not None:
        if configured not in releases:
            raise ConfigError(
                f"source {source}, published release {configured!r}",
                "there are no published counts of that name",
                f"Use one of: {', '.join(releases) or 'none'}.{close_matches(configured, releases)}",
            )
        return Recognised(releases[configured], "named" if configured == named else "configured")
    if named is not None:
        return Recognised(releases[named], "named")
    if not of_folder:
        for one in reversed(releases.values()):  # the newest stands last
            if one.stands_in_for and re.fullmatch(one.stands_in_for, words[0]):
                note = f"another version: no counts are known of {release}, these are of {', '.join(one.served_as)}"
                return Recognised(one, "stands in", note)
            if not set(one.within).isdisjoint(words):
                return Recognised(one, "at least", f"at least: {release} names no release")
    return Recognised(None, "none", f"no published counts are known for {source} {release}")


def _problem(source: YamlFile, release_id: str, key: str, found: str, action: str) -> ConfigError:
    return source.error((release_id, key), release_id, found, action)
