"""The kinds of sources that ``sources.yaml`` declares without code, and the entry that follows from what it says.

Add a kind here, as one more member of `Kind` and `KINDS`, when files of one more layout can be read without knowing the
lab. How a layout is read stands in its own folder, and is imported when a source is opened. Nothing here knows a lab.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from nh_platform.sources.entry import Counterpart, SourceEntry
from nh_platform.sources.ibl.released_columns import COUNTERPARTS, WORDS
from nh_platform.sources.own.alf.settings import AlfSettings
from nh_platform.sources.own.declared import DeclaredSettings
from nh_platform.sources.own.nwb.settings import NwbSettings
from nh_platform.sources.own.phy.settings import PhySettings
from nh_platform.sources.read_settings import read_settings
from nh_platform.sources.setting_errors import setting_error

if TYPE_CHECKING:
    from nh_platform.sources.source import Source

Kind = Literal["nwb", "phy", "alf"]
"""Names of the kinds, as ``sources.yaml`` states them."""


@dataclass(frozen=True)
class _Layout:
    """What is the same for every source of a kind.

    Parameters
    ----------
    settings
        Model of what may stand under ``read``.
    opener
        Dotted name of the class of a source, made of its name, its settings and the home folder.
    upstream_format, files
        Format of the files, shown in the UI; what they are, in words.
    counterparts, released_words, definer
        As of `SourceEntry`, where the layout itself names metrics.
    """

    settings: type[DeclaredSettings]
    opener: str
    upstream_format: str
    files: str
    counterparts: tuple[Counterpart, ...] = ()
    released_words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    definer: str = ""


KINDS: Mapping[Kind, _Layout] = {
    "nwb": _Layout(NwbSettings, "nh_platform.sources.own.nwb.source:NwbSource", "nwb", "NWB files"),
    "phy": _Layout(PhySettings, "nh_platform.sources.own.phy.source:PhySource", "phy", "Kilosort/phy folders"),
    "alf": _Layout(
        AlfSettings,
        "nh_platform.sources.own.alf.source:AlfSource",
        "alf",
        "ALF folders",
        counterparts=COUNTERPARTS,
        released_words=WORDS,
        definer="ibl",
    ),
}
assert set(KINDS) == set(get_args(Kind))


def declared_entry(name: str, kind: Kind, read: Mapping[str, Any], home: Path) -> SourceEntry:
    """Return the entry of a source that ``sources.yaml`` declares.

    Parameters
    ----------
    name
        Its name.
    kind
        Layout of its files.
    read
        What is stated under ``read``.
    home
        The home folder.

    Raises
    ------
    ConfigError
        If the name cannot be part of Dagster's names, or a setting cannot be used; with file and line.
    """
    layout = KINDS[kind]
    values = {"cache_dir": f"cache/{name}", **read}
    settings = read_settings(layout.settings, name, values, home)
    title = settings.title or name
    try:
        return SourceEntry(
            name=name,
            title=title,
            description=f"{title}: {layout.files} of your own, declared in sources.yaml.",
            organisation=settings.lab or "",
            open=_opener(layout, name),
            rulebook="nh-common",
            also_rulebooks=(),
            presets=("continuous-1s", "stim-halves-500ms"),
            events=settings.event_times(),
            upstream_format=layout.upstream_format,
            counterparts=layout.counterparts,
            released_words=layout.released_words,
            definer=layout.definer,
            ml_towards=settings.ml_towards if isinstance(settings, NwbSettings) else "right",
        )
    except ValueError as error:
        raise setting_error(home, (name,), str(error), "Give it another name.") from error


def _opener(layout: _Layout, name: str) -> Callable[[Mapping[str, Any], Path], Source]:
    def opened(read: Mapping[str, Any], home: Path) -> Source:
        module, _, function = layout.opener.partition(":")
        settings = read_settings(layout.settings, name, {"cache_dir": f"cache/{name}", **read}, home)
        source: Source = getattr(import_module(module), function)(name, settings, home)
        return source

    return opened
