"""The zip of the ONE tables: taken apart only when it is whole.

Add here what makes a broken catalogue known before it is read. What the tables mean is `one_tables` and
`manifest_tables`.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError)
"""What Python's zipfile raises on a truncated or altered zip file, depending on where it was hit."""


def zip_problem(path: Path) -> str | None:
    """Return what is wrong with a zip, in words; None where every member has its stated length and checksum."""
    try:
        with zipfile.ZipFile(path) as zipped:
            broken = zipped.testzip()
    except (*ZIP_ERRORS, RuntimeError) as error:  # RuntimeError: the altered flag that says encrypted
        return f"not a whole zip file: {error}"
    return None if broken is None else f"not a whole zip file: checksum of {broken}"
