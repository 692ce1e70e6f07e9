"""Sessions that are read by ranges: what is known of a file of which only parts came, in words.

Add here what is said of such a file. How its parts come is `nh_platform.downloads.range_reads`.
"""

from __future__ import annotations

from nh_platform.downloads.range_reads import RangedFile
from nh_platform.session import Note

SYNC_AGAIN = "Sync the source, or set `ranges: false` to have the file fetched whole and verified."
"""What can be done about an object that is no NWB file."""


def ranged_note(name: str, content: RangedFile) -> Note:
    """Return the note of a session whose file was read by ranges; the same whatever was read of it."""
    text = (
        f"read by ranges of {content.opener.address}, the object of {content.size} bytes with the ETag "
        f"{content.opener.etag}, against which each answer was held; the file as a whole was not hashed"
    )
    return Note(name, text, is_origin=True)
