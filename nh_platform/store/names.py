"""Names of what lies in the store beside the files of the assets, and what a path of it says.

Add a name here when a module other than its writer must know it.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PROVENANCE = "provenance.json"
"""The record of a version, in its folder."""
POINTER = "current"
"""Names the version of an asset that counts."""
HISTORY = "history"
"""Names every version that counted of an asset which keeps them."""
DAMAGED = "damaged"
"""Says what is known to be damaged of the version that counts."""
WANTED = "wanted.json"
"""The sessions of a source that are wanted, beside its outputs."""
ACCEPTED = "accepted.json"
"""The snapshot of a source that was accepted last, where releases are held."""
PUBLISHED = "published.json"
"""The releases that upstream publishes beside the one that is read."""
SOURCE_RECORDS = (WANTED, ACCEPTED, PUBLISHED)
"""Records of a source that nothing else tells: sealed, and kept twice."""
REVIEWS = ".reviews"
"""Holds the reviews of a store in a bucket, unless they lie elsewhere."""
TEXTS = (".yaml", ".tsv")
"""End the names of what reviewers write; no file of a version has them."""
STAGING = ".staging-"
"""Begins the name of a folder that is being written or removed."""
VERSION_DIGITS = 16
"""Digits of its data version that the folder of a version is named by."""
SOURCE_WIDE = "_source"
"""Takes the place of the session id for outputs that belong to a whole source."""
TRAINING_SETS = "_training_sets"
"""Takes the place of the source for training sets, which are of several; their id that of the session."""


class Place(NamedTuple):
    """Source, session id and asset of a stored version; no session id for outputs of a whole source."""

    source: str
    session_id: str
    asset: str

    @property
    def words(self) -> str:
        """The source and the session in words."""
        if self.source == TRAINING_SETS:
            return f"training set {self.session_id}"
        return f"{self.source} session {self.session_id}" if self.session_id else f"source {self.source}"

    @property
    def arguments(self) -> str:
        """Arguments of a command that are about it; none of a training set, which commands of the store do not name."""
        return "" if self.source == TRAINING_SETS else " ".join(filter(None, (self.source, self.session_id)))


REPLACED = {"behavior": ("events", "signals")}
"""Assets of earlier versions that a store can still hold, by name, with those that took their place (0.3)."""


def place_of(version: Path) -> Place:
    """Return what the path of a version's folder says."""
    asset = version.parent
    session_id = "" if asset.parent.name == SOURCE_WIDE else asset.parent.name
    return Place(asset.parent.parent.name, session_id, asset.name)
