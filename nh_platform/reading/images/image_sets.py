"""The image sets of a source: which there are, which session's file holds one, and their pixels.

Contains the way from a name to an `ImageSet`, through the source that a home configures: pixels are in upstream's own
files and never in the store. Add here how another source's sets are found.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from nh_platform.history.manifest import SessionFiles
from nh_platform.home.platform import Platform
from nh_platform.session import BadUpstreamData, ConfigError, UnknownSession
from nh_platform.session.errors import close_matches
from nh_platform.session.image_set import FILLS, MEAN_FILL, ImageSet, filled
from nh_platform.sources.pictures import ShowsImageSets
from nh_platform.store import Store
from nh_platform.store.codecs.parquet import read_table
from nh_platform.store.file_hashes import is_stored

_TEMPLATES = "image_templates.parquet"
NO_FILL = "nan"


def image_source(platform: Platform, source: str) -> ShowsImageSets:
    """Return the opened source.

    Raises
    ------
    ConfigError
        If it has no images of stimuli.
    """
    opened = platform.source(source)
    if not isinstance(opened, ShowsImageSets):
        raise ConfigError(f"source {source}", "it has no images of stimuli", "Use allen_vc or allen_vbn.")
    return opened


def image_set_sessions(platform: Platform, source: str) -> dict[str, SessionFiles | None]:
    """Return the sets of a source by name, each with a session whose file holds it; None where all sessions share it.

    Of several sessions it is the first, by id, whose file is at hand. What no session in the store names is not known.
    """
    opened = image_source(platform, source)
    found: dict[str, SessionFiles | None] = dict.fromkeys(opened.shared_image_sets)
    named = _named_in_store(platform.store, source)
    if not named:
        return found
    try:
        manifest = platform.manifest(source)
    except UnknownSession:
        return found
    listed = set(manifest.session_ids)
    for name, session_ids in sorted(named.items()):
        files = [manifest.session(one) for one in session_ids if one in listed]
        at_hand = (one for one in files if opened.image_set_version(name, one))
        if files:
            found[name] = next(at_hand, files[0])
    return found


def image_set_names(platform: Platform, source: str) -> tuple[str, ...]:
    """Return the names of the sets of a source."""
    return tuple(image_set_sessions(platform, source))


def read_images(platform: Platform, source: str, name: str, form: str = "", fill: str = "grey") -> ImageSet:
    """Return a set with its pixels.

    Parameters
    ----------
    platform
        The platform.
    source, name
        Which set.
    form
        ``warped`` or ``unwarped`` of Visual Behavior; the default of the source where empty.
    fill
        What takes the place of pixels outside of an unwarped picture: one of `FILLS`, ``mean``, or ``nan`` for nothing.

    Raises
    ------
    ConfigError
        If the source has no images, or no such set, form or fill; the text names those it has.
    BadUpstreamData
        If the files are missing or damaged; the text says how to get them.
    """
    opened = image_source(platform, source)
    chosen = form or opened.image_forms[0]
    if chosen not in opened.image_forms:
        action = f"Use {' or '.join(opened.image_forms)}."
        raise ConfigError(f"form {chosen!r} of images", f"images of {source} have no such form", action)
    if fill not in (*FILLS, MEAN_FILL, NO_FILL):
        action = f"Use one of {', '.join((*FILLS, MEAN_FILL, NO_FILL))}."
        raise ConfigError(f"fill {fill!r}", "pixels outside of the picture have no such fill", action)
    session = find_image_set(platform, source, name)
    try:
        names, pixels = opened.read_image_set(name, session, chosen)
    except BadUpstreamData as error:
        action = error.action if session is None else f"Run `nh fetch {source} {session.session_id}`. {error.action}"
        raise BadUpstreamData(f"images {name} of {source}", f"{error.thing}: {error.found}", action) from error
    used = ""
    if np.issubdtype(pixels.dtype, np.floating):
        used = fill
        pixels = pixels if fill == NO_FILL else filled(pixels, fill)
    return ImageSet(source, name, names, pixels, chosen, used)


def find_image_set(platform: Platform, source: str, name: str) -> SessionFiles | None:
    """Return the session whose file holds a set; None where all sessions share it.

    Raises
    ------
    ConfigError
        If there is no such set.
    """
    return known_set(image_set_sessions(platform, source), source, name)


def known_set(sets: Mapping[str, SessionFiles | None], source: str, name: str) -> SessionFiles | None:
    """Return the same of sets that were looked up (`image_set_sessions`); raises as `find_image_set`."""
    if name not in sets:
        action = f"Use one of {', '.join(sets)}.{close_matches(name, sets)}"
        if not sets:
            action = f"Run `nh materialize {source} SESSION`: its events name the image sets that it was shown."
        raise ConfigError(f"image set {name!r}", f"{source} has no such set", action)
    return sets[name]


def home_platform(store: Store) -> Platform:
    """Return the platform of the home that a store lies in.

    Raises
    ------
    ConfigError
        If it lies in none: where images are is said by the home.
    """
    from nh_platform.home.settings import settings_of_store

    settings = settings_of_store(store.root)
    if settings is None:
        found = "it lies in no home folder, whose sources.yaml says where the files with images are"
        raise ConfigError(f"store {store.address}", found, "Open the home folder: `open_store(home)`.")
    return Platform(settings)


def _named_in_store(store: Store, source: str) -> dict[str, list[str]]:
    """Return the stored sessions, by id, whose tables name each set."""
    found: dict[str, list[str]] = {}
    for session_id in store.sessions(source):
        folder = store.usable(source, session_id, "events")
        if folder is not None and is_stored(folder / _TEMPLATES):
            names: pd.Series = read_table(folder / _TEMPLATES, ["image_set"])["image_set"]
            for name in names.unique():
                found.setdefault(str(name), []).append(session_id)
    return found
