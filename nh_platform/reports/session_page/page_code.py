"""Identity of the styles and scripts that a page carries: with other ones it is another page.

Contains the hash alone. Change here which folders a page takes its code from.
"""

from __future__ import annotations

import hashlib
from importlib import resources

PACKAGES = ("nh_platform.reports.page", "nh_platform.reports.session_page")
"""Packages in whose folder ``static`` the code of the page lies."""


def page_code_version() -> str:
    """Return the sha256 over the names and contents of the page's styles, scripts and HTML."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        files = resources.files(package).joinpath("static").iterdir()
        for file in sorted((one for one in files if one.is_file()), key=lambda one: one.name):
            digest.update(f"{package}/{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()
