"""The protocol of a source that knows the pictures of its stimuli.

Add here what every such source can state of them. Which picture was shown when is
`nh_platform.exports.stimulus.frames`.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt


@runtime_checkable
class ShowsPictures(Protocol):
    """A source with pictures of stimuli by name."""

    def stimulus_pictures(self, stimulus: str) -> npt.NDArray[Any]:
        """Return (n_frames, height, width) grey levels 0-255 of every picture of a stimulus, by frame."""
