"""A stored training set as training code uses it: its tables, and the windows of a split.

Contains `open_training_set` and what it returns. Add here what training code asks of a set. Windows are read by
`nh_platform.load`; nothing is written here.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from nh_platform.embeddings.unit_vectors import UnitVectors
from nh_platform.load import Vocabulary, WindowSet
from nh_platform.load.window_set import Kind
from nh_platform.reading import OpenedStore, SessionView, open_store
from nh_platform.reading.images import ImageEmbedding
from nh_platform.session import ConfigError, StoreError
from nh_platform.session.display import html_facts
from nh_platform.session.errors import close_matches
from nh_platform.session.tables.across_sessions.training_sets import TRAINING_SET
from nh_platform.store.locking.locks import lock_names
from nh_platform.store.names import TRAINING_SETS
from nh_platform.training_sets.joined_images import replaced_images
from nh_platform.training_sets.set_tables import SetTables
from nh_platform.training_sets.stored import lock_name, stored_set
from nh_platform.training_sets.training_set import TrainingSet, read_training_set


def open_training_set(name: str, home: str | os.PathLike[str] | None = None) -> OpenTrainingSet:
    """Open a training set of a home folder.

    What it names is read as it was when the set was built: a version that is locked (`nh train-set lock`) by way of its
    lock, whatever has been published since.

    Parameters
    ----------
    name
        Id of the set, for its last version, or ``id@number``.
    home
        The home folder; where not stated, the home that `nh` uses.

    Raises
    ------
    UnknownSession
        If there is no such set.
    DamagedFile
        If a file of it is damaged.
    """
    store = open_store(home)
    number, found = stored_set(store.store, name)
    lock = lock_name(found.id, number)
    if lock in lock_names(store.store.root):
        store = open_store(home, lock=lock)
        found = read_training_set(store.store.folder(TRAINING_SETS, found.id, TRAINING_SET))
    return OpenTrainingSet(store, found, number)


class OpenTrainingSet(SetTables):
    """A training set and the store that it is read from.

    Parameters
    ----------
    store
        The store.
    content
        The set.
    number
        Number of its version.
    """

    def __init__(self, store: OpenedStore, content: TrainingSet, number: int) -> None:
        super().__init__(content)
        self.store = store
        self.number = number

    def __repr__(self) -> str:
        n = self.sessions["split"].value_counts()
        splits = ", ".join(f"{split}={number}" for split, number in n.items())
        return f"OpenTrainingSet('{self.content.id}@{self.number}', sessions: {splits})"

    def _repr_html_(self) -> str:
        facts = {
            "sessions": len(self.sessions),
            "units": len(self.units),
            "presets": ", ".join(self.presets),
            "split by": self.content.recipe.split.by,
            "sources": ", ".join(self.content.header["sources"]),
        }
        return html_facts(f"Training set {self.content.id}@{self.number}", facts)

    @property
    def citations(self) -> dict[str, list[str]]:
        """What whoever trains on the set cites, by source."""
        return {name: list(one["cites"]) for name, one in self.content.header["sources"].items()}

    @property
    def terms(self) -> dict[str, str]:
        """What the data may be used for, by source."""
        return {name: str(one["terms"]) for name, one in self.content.header["sources"].items()}

    def session(self, session_id: str | int, source: str | None = None) -> SessionView:
        """Return a session of the set, in the version that the set names.

        Parameters
        ----------
        session_id
            The session; Allen's ids may be numbers.
        source
            Its source; needed where sessions of two sources have one id.

        Raises
        ------
        UnknownSession
            If it is none of the set.
        StoreError
            If an asset of it was published anew since the set was built, and the set is not locked.
        """
        session_id = str(session_id)
        source = self._source(session_id, source)
        for asset, version in self._versions.get((source, session_id), {}).items():
            state = self.store.store.state(source, session_id, asset)
            thing = f"training set {self.content.id}@{self.number}, {asset} of {source} session {session_id}"
            if state.damage:
                action = f"Run `nh verify {source} {session_id} --repair`."
                raise StoreError(thing, f"it is damaged: {state.damage[0]}", action)
            if state.data_version != version:
                raise StoreError(
                    thing,
                    "it is not there any more" if state.data_version is None else "another version was published since",
                    f"Build the set again (`nh train-set build {self.content.id}`), and lock one that must not change "
                    f"(`nh train-set lock {self.content.id}`).",
                )
        return self.store.session(source, session_id)

    def windows(
        self,
        split: str,
        preset: str | None = None,
        *,
        sources: str | Sequence[str] = (),
        kind: Kind = "counts",
        vocabulary: Vocabulary | None = None,
    ) -> WindowSet:
        """Return the windows of a split, of the units of the set; vectors of units and images join as the recipe says.

        Those of units are `unit_vectors`. A set that was built before there were vectors joins the embeddings as
        stored. Those of images are `images`: of the stimuli alone, and the same in every split.

        Parameters
        ----------
        split
            ``train``, ``valid`` or ``test``; also ``reserved`` and ``held_out``, for zero-shot tests.
        preset
            Window preset; may be left out where the set has one.
        sources
            Only of these sources; of every one that has the preset where not stated.
        kind
            ``counts`` or ``events``.
        vocabulary
            Numbers of sessions and units, continued with these.

        Raises
        ------
        ConfigError
            If the set has no such split or preset, or no window of it; the text names those it has.
        StoreError
            As of `session`; or if an embedding of images is not there any more, or another one was made since.
        """
        chosen = self._preset(preset)
        windows = self.content.tables["set_windows"]
        of = windows[(windows["preset"] == chosen) & (windows["n_windows"] > 0)]
        named = [sources] if isinstance(sources, str) else list(sources)
        if unknown := [one for one in named if one not in set(of["source"])]:
            there = sorted(set(of["source"]))
            action = f"Use {', '.join(there)}.{close_matches(unknown[0], there)}"
            raise ConfigError(f"source {unknown[0]!r}", f"the set has no windows {chosen} of it", action)
        of = of[of["source"].isin(named)] if named else of
        rows = of[of["split"] == split]
        if rows.empty:
            splits = list(dict.fromkeys(of["split"]))
            action = f"Use {', '.join(splits) or 'another preset'}.{close_matches(split, splits)}"
            raise ConfigError(
                f"split {split!r} of training set {self.content.id}", f"no window {chosen} is in it", action
            )
        keys = list(zip(rows["source"], rows["session_id"]))
        found = WindowSet(
            [self.session(session_id, source) for source, session_id in keys],
            chosen,
            kind=kind,
            ranges=self._ranges(keys, split),
            units={"/".join(key): self._units[key]["unit_id"].tolist() for key in keys},
            embeddings=self._seen_by_embeddings(keys),
            images=self._images or None,
            vocabulary=vocabulary,
        )
        if self.vector_names:
            for part in found.parts:
                vectors = self.unit_vectors(part.session_id, part.source)
                part.embeddings = vectors.values[pd.Index(vectors.unit_ids).get_indexer(list(part.unit_ids))]
        return found

    def unit_vectors(self, session_id: str | int, source: str | None = None) -> UnitVectors:
        """Return the vectors of the units of the set in a session, as batches of the set have them.

        Features of `unit_embeddings`, standardised by the training units of the set, and the principal components of
        their histograms, fitted on the same (`nh_platform.embeddings.unit_vectors`).

        Parameters
        ----------
        session_id, source
            As of `session`.

        Raises
        ------
        ConfigError
            If the set has none: its recipe does not state ``embeddings: true``, or it was built before there were any.
        UnknownSession, StoreError
            As of `session`.
        """
        view = self.session(session_id, source)
        table = view.embeddings.set_index("unit_id", drop=False)
        units = self._units[view.source, view.session_id]["unit_id"]
        return self._vector_fit.vectors(table.loc[units].reset_index(drop=True))

    @cached_property
    def _images(self) -> list[ImageEmbedding]:
        """Return the embeddings of images of the set.

        Raises
        ------
        StoreError
            If one is not there any more, or another one was made since.
        """
        for thing, found in replaced_images(self.store.store, self.images):
            action = f"Build the set again (`nh train-set build {self.content.id}`), and lock one that must not change."
            raise StoreError(f"training set {self.content.id}@{self.number}, {thing}", found, action)
        rows = zip(self.images["source"], self.images["image_set"], self.images["embedding"])
        return [self.store.image_embedding(*row) for row in rows]

    def _seen_by_embeddings(self, keys: Sequence[tuple[str, str]]) -> Any:
        """Return what the embeddings may have seen: anything that is not tested, and the audit looked at that."""
        if not self.content.recipe.embeddings:
            return False
        return {"/".join(key): np.array([[-np.inf, np.inf]]) for key in keys}

    def _ranges(self, keys: Sequence[tuple[str, str]], split: str) -> dict[str, Any]:
        """Return the stretches of a split by source and session, of those that are divided in time."""
        ranges = self.content.ranges_of()
        return {"/".join(key): ranges[key][split] if key in ranges else None for key in keys}

    @cached_property
    def _versions(self) -> dict[tuple[str, str], dict[str, str]]:
        found: dict[tuple[str, str], dict[str, str]] = {}
        for row in self.content.tables["set_versions"].itertuples():
            found.setdefault((row.source, row.session_id), {})[row.asset] = row.data_version
        return found
