"""Fetching the stimulus templates of Visual Coding from the warehouse, whole or not at all.

Contains the look-up of a template's address through AllenSDK, and the download into the place where AllenSDK's cache
keeps it. What the files are and how one is read is `natural_images`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from filelock import FileLock

from nh_platform.downloads.deadlines import within
from nh_platform.downloads.placed_files import Attempts, Download
from nh_platform.downloads.remote_bytes import HttpOpener, Timeouts
from nh_platform.session import BadUpstreamData
from nh_platform.sources.allen import sdk
from nh_platform.sources.allen.coding.natural_images import Template, read_picture
from nh_platform.sources.allen.coding.warehouse import LIST_WAIT_S, MANIFEST, served_version


def fetch_template(root: Path, address: str, template: Template, attempts: Attempts) -> Path:
    """Return where a template lies, downloaded if it is not there.

    It begins again where a download broke: scenes are 1 MB, and movies at most 0.7 GB and without a hash.

    Raises
    ------
    BadUpstreamData
        If the warehouse lists no such template, or it does not come whole.
    StoreError
        If the disk is full.
    """
    path = template.path(root)
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f"{path.name}.lock")):
        if path.is_file():  # another process fetched it meanwhile
            return path
        cache = sdk.warehouse_cache(root / MANIFEST, address)
        ask = partial(sdk.warehouse_template_links, cache, address, template.kind)
        links = within(LIST_WAIT_S, ask, f"warehouse {address}")
        if template.number not in links:
            raise BadUpstreamData(
                f"template {path.name}",
                f"the warehouse {address} lists no natural {template.kind} {template.number}",
                "Check the frame and the stimulus name of the presentation.",
            )
        link = links[template.number]
        size = served_version(address, link).size
        part = path.with_name(f"{path.name}.part")

        def problem(_: object) -> str | None:
            if size is not None and part.stat().st_size != size:
                return f"{part.stat().st_size} bytes came and the server says {size}"
            return _unreadable(part, template)

        Download(
            label=f"template {path.name}",
            place=path,
            part=part,
            where=address,
            openers=[HttpOpener(f"{address}/{link.lstrip('/')}", Timeouts(read_s=attempts.stall_s), resumes=False)],
            problem_of=problem,
            size=size,
            resumes=False,
        ).run(attempts)
    return path


def _unreadable(part: Path, template: Template) -> str | None:
    """Return why a file is no template of the kind; None where its first picture can be read."""
    try:
        read_picture(part, template.kind)
    except BadUpstreamData as error:
        return error.found
    return None
