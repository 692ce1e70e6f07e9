"""Identity of the styles, scripts and templates that a page carries: with other ones it is another page.

Contains the hash alone.
"""

from __future__ import annotations

import hashlib
from importlib import resources

SHARED = "nh_platform.reports.page"


def page_code_version(package: str) -> str:
    """Return the sha256 over the names and contents of the styles, scripts and HTML of a room's pages.

    Parameters
    ----------
    package
        The room, with a folder ``static``; what all pages share is added.
    """
    digest = hashlib.sha256()
    for one in (SHARED, package):
        files = resources.files(one).joinpath("static").iterdir()
        for file in sorted((each for each in files if each.is_file()), key=lambda each: each.name):
            digest.update(f"{one}/{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()
