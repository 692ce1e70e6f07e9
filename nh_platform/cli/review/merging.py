"""`nh review merge`: decisions that a page downloaded, merged into the review files.

Contains the command alone. What it does is `nh_platform.operations.reviewing.review_merging`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.review.options import DryRunOption
from nh_platform.home.folder import home_folder
from nh_platform.session import NhError
from nh_platform.session.display import counted


def merge(
    file: Annotated[list[Path], typer.Argument(help="Files that pages downloaded (`Download decisions`).")],
    dry_run: DryRunOption = False,
) -> None:
    """Merge decisions that the page of a session downloaded into the review file of that session.

    The file says itself which session it is about. A review that is there already is not added twice, so that the same
    file may be given again. A file that is refused is named with its line, the others are merged, and the exit code
    is 1.

    **Examples**

        nh review merge ibl-aaf4b8ce-decisions.yaml

        nh review merge ~/Downloads/*-decisions.yaml --dry-run
    """
    refused = False
    for one in file:
        try:
            done = operations.merge_reviews(home_folder(), one, dry_run=dry_run)
        except NhError as error:
            console.show_error(error)
            refused = True
            continue
        if dry_run:
            typer.echo(done.saved.diff, nl=False)
        said = "would be added to" if dry_run else "added to"
        known = f", {done.n_known} known already" if done.n_known else ""
        name = f"{done.source}/{done.session_id}.yaml"
        console.say(escape(f"{one}: {counted(len(done.saved.added), 'review')} {said} {name}{known}"))
    if refused:
        raise typer.Exit(1)
