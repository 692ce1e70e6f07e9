"""`nh export card`: the card of an export's folder, written again after its files were checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.session.display import counted

_SHOWN = 10


def card(folder: Annotated[Path, typer.Argument(help="Folder that `nh export` wrote into.")]) -> None:
    """Check the files of an export against their hashes, and write its card again.

    The card is croissant.json (Croissant 1.0), README.md and .zenodo.json: what is in the folder, terms, citations,
    size and sha256 of every file that was exported. Every export writes it; this command does after files were moved or
    copied. What else is in the folder is not listed, and is named here; links are not followed.

    **Examples**

        nh export card unified
    """
    facts = operations.describe_export(folder)
    console.say(
        f"{counted(len(facts.files), 'file')}, {facts.size:,} bytes, as they were exported; "
        f"the card is in {escape(str(folder))}"
    )
    if facts.others:
        rest = f" and {len(facts.others) - _SHOWN} more" if len(facts.others) > _SHOWN else ""
        console.say(f"not in the card, since no export wrote it: {escape(', '.join(facts.others[:_SHOWN]))}{rest}")
