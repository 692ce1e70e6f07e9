"""A home folder at work: its platform, and Dagster's instance and definitions, each opened when it is first needed.

Contains what every operation begins with, and how an operation says how far it is. Add here what most operations need
of a home. What they do with it stands in their own modules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

    from nh_platform.home.platform import Platform


class OpenHome:
    """The platform of a home folder, with Dagster's instance and definitions.

    Parameters
    ----------
    platform
        The platform.
    instance
        Dagster's instance; that of the home folder (`nh_platform.operations.instance.open_instance`) where None.
    embedded
        Whether that is the embedded one also where the environment names another one.
    """

    def __init__(
        self, platform: Platform, instance: dg.DagsterInstance | None = None, *, embedded: bool = False
    ) -> None:
        self.platform = platform
        self.embedded = embedded
        self.is_instance_given = instance is not None
        self._closing = ExitStack()
        if instance is not None:
            self.instance = instance

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """Dagster's instance; it costs a second to open."""
        from nh_platform.operations.instance import open_instance

        return self._closing.enter_context(open_instance(self.platform.settings, embedded=self.embedded))

    @cached_property
    def definitions(self) -> dg.Definitions:
        """The definitions of every source, for runs here and now."""
        from nh_platform.defs.build import build_defs

        return build_defs(self.platform, queued=False)

    def close(self) -> None:
        """Close what was opened."""
        self._closing.close()


Home = OpenHome | Path | str
"""A home folder: its path, or open already."""


@contextmanager
def open_home(home: Home) -> Iterator[OpenHome]:
    """Open a home folder for several operations; one that is open already is taken as it is, and stays open.

    Raises
    ------
    ConfigError
        If its settings cannot be used.
    StoreError
        If Dagster's history cannot be written, mostly because the disk is full.
    NoInstance
        If the server of Dagster's database does not answer.
    """
    if isinstance(home, OpenHome):
        yield home
        return
    from nh_platform.home.full_disk import named_full_disk
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.instance import database_in_words

    opened = OpenHome(Platform(load_settings(Path(home))))
    try:
        with named_full_disk(opened.platform.settings.dagster_home), database_in_words():
            yield opened
    finally:
        opened.close()


@dataclass(frozen=True)
class Progress:
    """Progress of an operation with one piece of its work.

    Parameters
    ----------
    what
        The piece: a session, ``sessions`` for all of them, the source whose files are downloaded.
    done, total
        How much of it is done, in assets, sessions or bytes.
    now
        What it is at; ``done`` or ``failed`` at the end.
    """

    what: str
    done: int
    total: int
    now: str = ""


class Interrupted(KeyboardInterrupt):
    """A person or the system stopped an operation; what was done before stays, and nothing half-done does.

    Parameters
    ----------
    done
        How far it came: ``3 of 300 sessions made``.
    """

    def __init__(self, done: str) -> None:
        self.done = done
        super().__init__(done)


OnProgress = Callable[[Progress], None]


def unwatched(_: Progress) -> None:
    """Take no notice of progress."""


def existing_parent(folder: Path) -> Path:
    """Return a folder, or the nearest one above it that exists, for questions about its disk."""
    return folder if folder.exists() else existing_parent(folder.parent)
