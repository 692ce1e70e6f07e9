"""The protocols of a source that knows the pictures of its stimuli.

Add here what every such source can state of them. Which picture was shown when is
`nh_platform.embeddings.images.image_rows`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from nh_platform.history.manifest import SessionFiles


@runtime_checkable
class ShowsPictures(Protocol):
    """A source with pictures of stimuli by name."""

    def stimulus_pictures(self, stimulus: str) -> npt.NDArray[Any]:
        """Return (n_frames, height, width) grey levels 0-255 of every picture of a stimulus, by frame."""


@runtime_checkable
class ShowsImageSets(Protocol):
    """A source with sets of images: files that all sessions share, or that each session's own file holds.

    Attributes
    ----------
    image_forms
        Forms that an image is had in, the default first.
    shared_image_sets
        Names of the sets that all sessions share; others are named by the sessions' tables ``image_templates``.
    """

    image_forms: tuple[str, ...]
    shared_image_sets: tuple[str, ...]

    def image_set_version(self, name: str, session: SessionFiles | None) -> str:
        """Return the identity of the files that hold a set, of a session's own file where it is not shared.

        Downloads nothing; empty where they are not at hand.
        """

    def read_image_set(
        self, name: str, session: SessionFiles | None, form: str
    ) -> tuple[tuple[str, ...], npt.NDArray[Any]]:
        """Return names and (n_images, height, width) grey levels 0-255 of a set, NaN outside of the picture.

        Files that are not at hand are fetched where the source's mode allows it.
        """
