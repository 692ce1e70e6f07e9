"""Packages of a lab as an installation leaves them: metadata with entry points, on the path for a test.

Add here another thing that a lab's package may bring. What a lab's source does is in `end_to_end/toy_lab`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nh_platform.session import installed
from nh_platform.sources.entry import SourceEntry
from nh_platform.sources.registry import ENTRY_POINTS


def install(folder: Path, points: Mapping[str, str], package: str = "toy-lab", group: str = ENTRY_POINTS) -> Path:
    """Write what installing a package leaves beside its modules, and return the folder to put on the path."""
    info = folder / f"{package.replace('-', '_')}-0.1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n")
    lines = [f"{name} = {value}\n" for name, value in points.items()]
    (info / "entry_points.txt").write_text(f"[{group}]\n{''.join(lines)}")
    return folder


@contextmanager
def on_the_path(*folders: Path) -> Iterator[None]:
    """Serve the packages in some folders, besides those that are installed, for the time of a block."""
    before = sys.path[:]
    sys.path[:0] = [str(folder) for folder in folders]
    installed.load.cache_clear()
    try:
        yield
    finally:
        sys.path[:] = before
        installed.load.cache_clear()
        own = tuple(str(folder) for folder in folders)
        for name, module in list(sys.modules.items()):
            if str(getattr(module, "__file__", "")).startswith(own):  # another test's package may have the name
                del sys.modules[name]


def lab_entry(name: str, **stated: Any) -> SourceEntry:
    """Return the entry of a source that has nothing but what an entry must have."""
    return SourceEntry(
        **{
            "name": name,
            "title": "T",
            "description": "D",
            "open": lambda read, home: None,
            "rulebook": "nh-common",
            "also_rulebooks": (),
            "presets": (),
            "upstream_format": "alf",
            **stated,
        }
    )
