"""The same file twice: object ids by place in the file, and the bytes on disk.

PyNWB gives every object a random id. Here it is a uuid5 of the file's identifier and the object's path, so that the
same session gives the same bytes. Add here what else a file would have at random.
"""

from __future__ import annotations

import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

from hdmf.container import AbstractContainer
from pynwb import NWBHDF5IO, NWBFile

NAMESPACE = uuid.UUID("6f2d3c0e-5a41-5c1b-9f0e-3a6c0f7e2b11")
"""Of the uuids that this layout derives; arbitrary, never to change."""

_ID = "_AbstractContainer__object_id"
"""Where HDMF 3.14 keeps an object's id, which has no public setter; the test of equal bytes fails where it moves."""


def identifier(*parts: str) -> str:
    """Return the uuid of what is made of these parts, as text."""
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))


def write_file(nwbfile: NWBFile, path: Path) -> None:
    """Write a file whose ids depend on its identifier and the places of its objects alone."""
    for place, container in _with_places(nwbfile, ""):
        setattr(container, _ID, identifier(nwbfile.identifier, place))
    with warnings.catch_warnings():
        # The name that a file is written under gets its ending when the file is whole.
        warnings.filterwarnings("ignore", message=".*does not end in '.nwb'", category=UserWarning)
        with NWBHDF5IO(str(path), mode="w") as io:
            io.write(nwbfile)


def _with_places(container: AbstractContainer, above: str) -> Iterator[tuple[str, AbstractContainer]]:
    # With the kind: a probe's device and its electrode group have one name.
    place = f"{above}/{type(container).__name__}:{container.name}"
    yield place, container
    for child in getattr(container, "children", ()):
        yield from _with_places(child, place)
