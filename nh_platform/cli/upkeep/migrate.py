"""`nh migrate`: change a store of an earlier format into this version's."""

from __future__ import annotations

from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.home.folder import home_folder


def migrate() -> None:
    """Change a store that an earlier version wrote into the format of this one.

    Nothing is computed anew: every file is read once for its hash. Stop `nh ui` first. Stopped at any instant, it goes
    on where it was when it is run again.

    **Examples**

        nh migrate

        nh --home data/demo migrate
    """
    with console.progress() as on_progress:
        found = operations.migrate(home_folder(), on_progress=on_progress)
    for text in found.problems:
        console.say(f"damaged before, and left as it is: {escape(text)}", to=console.err)
    if found.problems:
        console.say("Make these again: `nh verify --repair`")
    if found.before is None:
        console.say("The store is empty; there is nothing to migrate.")
    elif found.before == found.after:
        console.say(f"The store has format {found.after} already; nothing was changed.")
    else:
        console.say(
            f"{found.n_assets} assets changed from format {found.before} to {found.after}; nothing is stale by it."
        )
