"""What a session offers of stimulus images: which one each presentation showed.

Contains the part of `SessionView` that says so. Add here what is asked of the images of one session.
"""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from nh_platform.reading.session_tables import SessionTables


class SessionImages(SessionTables):
    """Images of one session of a store. Parameters are those of `StoredSession`."""

    @cached_property
    def image_rows(self) -> pd.DataFrame:
        """Which image of which set every presentation showed, and when it came on; schema `IMAGE_ROWS`.

        Rows count in `OpenedStore.images` and in the vectors of `OpenedStore.image_embedding`.
        """
        from nh_platform.embeddings.images.image_rows import image_rows

        return image_rows(self.presentations)
