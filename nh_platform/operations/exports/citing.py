"""What to cite, and the terms, for sources or for a training set; nothing need be synced for sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nh_platform.operations.opened_home import Home, OpenHome, open_home
from nh_platform.session import ConfigError

if TYPE_CHECKING:
    from nh_platform.exports.citations import CitedPart


def cite(home: Home, sources: Sequence[str] = (), *, training_set: str = "") -> tuple[CitedPart, ...]:
    """Return what whoever uses data cites, and what the data may be used for.

    Parameters
    ----------
    home
        Home folder; it may hold nothing yet.
    sources
        Sources, with the rulebook that is active for each.
    training_set
        A training set by ``id`` or ``id@number``, in place of sources: its sources, and the rulebooks that chose its
        units.

    Returns
    -------
    tuple of CitedPart
        Data sets, rulebooks, the platform; `nh_platform.exports.citations.formatted` makes a text of them.

    Raises
    ------
    ConfigError
        If there is no such source, or neither or both are named.
    UnknownSession
        If there is no such training set.
    """
    from nh_platform.exports.citations import cited_data, cited_platform, cited_rulebook
    from nh_platform.qc.rules.rulebook import load_rulebook

    if bool(sources) == bool(training_set):
        found = "both are named" if sources else "neither is named"
        raise ConfigError("sources or a training set", found, "Name sources, or one training set.")
    with open_home(home) as at:
        named = dict.fromkeys(sources)
        rulebooks = dict.fromkeys(at.platform.config(one).rulebook for one in named)
        if training_set:
            named, rulebooks = _of_set(at, training_set)
        books = {book.id: book for book in map(load_rulebook, rulebooks)}
        data = [cited_data(at.platform.entry(source)) for source in named]
        return (*data, *(cited_rulebook(one) for one in books.values()), cited_platform())


def _of_set(at: OpenHome, name: str) -> tuple[dict[str, None], dict[str, None]]:
    """Return the sources of a training set, and the rulebooks of its units, those of this home by their path."""
    from nh_platform.operations.training.set_comparison import training_set_named

    _, made = training_set_named(at, name)
    rulebooks: dict[str, None] = {}
    for source, about in made.header["sources"].items():
        config, units = at.platform.config(source), made.recipe.sources[source].units
        paths = dict(zip(config.rulebook_ids, config.rulebooks))
        chosen = about["rulebook"] if units in ("all", "good") else units
        rulebooks[paths.get(chosen, chosen)] = None
    return dict.fromkeys(made.header["sources"]), rulebooks
