"""Fetching the stimulus templates of Visual Coding from the warehouse, whole or not at all.

Contains the look-up of a template's address through AllenSDK, and the download into the place where AllenSDK's cache
keeps it. What the files are and how one is read is `natural_images`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.download_folder import Place
from nh_platform.downloads.remote_bytes import HttpOpener
from nh_platform.downloads.transfers import Transferred
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.coding.natural_images import Template, read_picture
from nh_platform.sources.allen.coding.warehouse import LIST_WAIT_S, MANIFEST, served_version
from nh_platform.sources.allen.coding.warehouse_downloads import WarehouseDownloads


def fetch_template(downloads: WarehouseDownloads, template: Template) -> Path:
    """Return where a template lies, downloaded if it is not there.

    It begins again where a download broke: scenes are 1 MB, and movies at most 0.7 GB and without a hash.

    Raises
    ------
    BadUpstreamData
        If the warehouse lists no such template, or it does not come whole.
    StoreError
        If the disk is full.
    """
    path, address = template.path(downloads.root), downloads.address
    if path.is_file():
        return path
    label = f"template {path.name}"
    with downloads.alone(label, path.with_name(f"{path.name}.lock")):
        if path.is_file():  # another process fetched it meanwhile
            return path
        cache = sdk.warehouse_cache(downloads.root / MANIFEST, address)
        ask = partial(sdk.warehouse_template_links, cache, address, template.kind)
        links = within(LIST_WAIT_S, ask, f"warehouse {address}")
        if template.number not in links:
            raise BadUpstreamData(
                label,
                f"the warehouse {address} lists no natural {template.kind} {template.number}",
                "Check the frame and the stimulus name of the presentation.",
            )
        link = links[template.number]
        size = served_version(address, link).size
        part = path.with_name(f"{path.name}.part")

        def problem(came: Transferred) -> str | None:
            if size is not None and came.size != size:
                return f"{came.size} bytes came and the server says {size}"
            return _unreadable(part, template)

        server = HttpOpener(f"{address}/{link.lstrip('/')}", downloads.timeouts, resumes=False)
        downloads.download(Place(label, path, part, problem, size, resumes=False, is_size_exact=True), [server])
    return path


def _unreadable(part: Path, template: Template) -> str | None:
    """Return why a file is no template of the kind; None where its first picture can be read."""
    try:
        read_picture(part, template.kind)
    except BadUpstreamData as error:
        return error.found
    return None
