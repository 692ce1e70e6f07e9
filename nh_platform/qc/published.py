"""What releases are published to hold, with the source of every number.

Contains the reader of `published_counts.yaml` and the choice of the published release that a manifest shows. Add a
release or a number to the YAML file. Counting and comparing is `nh_platform.qc.reconcile`.
"""

from __future__ import annotations

import hashlib
import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from nh_platform.qc.bibliography import bibliography
from nh_platform.qc.rulebook import rulebook_ids
from nh_platform.qc.yaml_lines import LinedYaml, close_matches, read_lined
from nh_platform.session import ConfigError

_FILE = Path(__file__).with_name("published_counts.yaml")
_Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedCount(_Strict):
    """One number and the key of the bibliography entry that states it."""

    value: Annotated[int, Field(ge=0, strict=True)]
    cited: _Text


class KnownDifference(_Strict):
    """A value that is met although another is published, and why; ``accepted`` lets a complete release pass with it."""

    count: _Text
    value: Annotated[int, Field(ge=0, strict=True)]
    accepted: bool
    why: _Text


class PublishedRelease(_Strict):
    """What one release is published to hold.

    ``names`` are the words in the name of a manifest's release that mean this one. ``good_units_by`` is the rulebook
    that the published numbers of good units were made with.
    """

    source: _Text
    title: _Text
    names: list[_Text] = Field(min_length=1)
    good_units_by: _Text
    counts: dict[str, PublishedCount]
    known: list[KnownDifference] = []

    def content_version(self) -> str:
        """Return sha256 over everything stated of the release."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=1)
def published_releases() -> dict[str, PublishedRelease]:
    """Return every published release by id, in the order of the file.

    Raises
    ------
    ConfigError
        As of `parse_published`.
    """
    return parse_published(_FILE.read_text(encoding="utf-8"), _FILE.name)


def parse_published(text: str, file: str) -> dict[str, PublishedRelease]:
    """Parse and check published counts.

    Raises
    ------
    ConfigError
        With the line, if the file is not as `PublishedRelease` describes, a count, rulebook or reference is unknown,
        sessions are not stated, or a name means two releases.
    """
    from nh_platform.qc.reconcile import COUNTS

    source = read_lined(text, file)
    try:
        releases = TypeAdapter(dict[str, PublishedRelease]).validate_python(source.data)
    except ValidationError as error:
        complaint = error.errors()[0]
        at = tuple(complaint["loc"])
        raise source.error(at, str(at[0]) if at else "", complaint["msg"], "Correct this value.") from error
    names: dict[str, str] = {}
    for release_id, release in releases.items():
        for name in (*release.counts, *(one.count for one in release.known)):
            if name not in COUNTS:
                action = f"Use one of: {', '.join(COUNTS)}.{close_matches(name, COUNTS)}"
                raise _problem(source, release_id, "counts", f"unknown count {name!r}", action)
        for name, count in release.counts.items():
            if count.cited not in bibliography():
                found = f"{name} cites {count.cited!r}, which is unknown"
                raise _problem(source, release_id, "counts", found, "Add it to qc/bibliography.yaml.")
        if "sessions" not in release.counts:
            raise _problem(source, release_id, "counts", "sessions are not stated", "Coverage is a share of them.")
        if release.good_units_by not in rulebook_ids():
            found = f"unknown rulebook {release.good_units_by!r}"
            raise _problem(source, release_id, "good_units_by", found, f"Use one of: {', '.join(rulebook_ids())}.")
        for name in release.names:
            if name in names:
                found = f"the name {name!r} means {names[name]} already"
                raise _problem(source, release_id, "names", found, "Keep it at one release.")
            names[name] = release_id
    return releases


def published_release(source: str, release: str, configured: str | None = None) -> tuple[PublishedRelease | None, bool]:
    """Return the published release that a manifest shows, and whether the manifest says so itself.

    Parameters
    ----------
    source
        Name of the source.
    release
        Name of the manifest's release, for example ``2024_Q2_IBL_et_al_BWM_iblsort, follow_default``. Its words,
        between commas and blanks, are compared with the names of the published releases; the first that is one counts.
    configured
        Id of the published release that the configuration names; it wins over the manifest's own name.

    Returns
    -------
    tuple
        The release, None where none is known; and False where the configuration chose another than the name does.

    Raises
    ------
    ConfigError
        If the configured release is unknown or of another source.
    """
    releases = published_releases()
    own = {name: release_id for release_id, one in releases.items() if one.source == source for name in one.names}
    recognised = next((own[word] for word in re.split(r"[,\s]+", release) if word in own), None)
    if configured is None:
        return (None, False) if recognised is None else (releases[recognised], True)
    if configured not in releases or releases[configured].source != source:
        there = [release_id for release_id, one in releases.items() if one.source == source]
        raise ConfigError(
            f"source {source}, published release {configured!r}",
            "there are no published counts of that name",
            f"Use one of: {', '.join(there) or 'none'}.{close_matches(configured, there)}",
        )
    return releases[configured], configured == recognised


def _problem(source: LinedYaml, release_id: str, key: str, found: str, action: str) -> ConfigError:
    return source.error((release_id, key), release_id, found, action)
