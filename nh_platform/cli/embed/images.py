"""`nh embed images`: one vector for each image of a stimulus set."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from nh_platform import operations
from nh_platform.cli import console
from nh_platform.cli.console import Format, FormatOption, SourceArgument
from nh_platform.home.folder import home_folder

_COLUMNS = ("image_set", "embedding", "state", "images", "features", "effective rank", "key")


def images(
    source: SourceArgument,
    image_set: Annotated[
        str | None, typer.Argument(metavar="SET", help="Image set, for example natural_scenes. Default: every set.")
    ] = None,
    encoder: Annotated[
        str,
        typer.Option(help="gabor-pyramid, dinov2-small, dinov2-base, dinov2-large, or hf:OWNER/MODEL."),
    ] = "gabor-pyramid",
    preprocessing: Annotated[
        str, typer.Option(help="seed-guide (224 px, ImageNet statistics) or processor (the model's own).")
    ] = "seed-guide",
    weights: Annotated[
        str, typer.Option(metavar="FOLDER", help="Folder of the weights. Default: the Hugging Face hub.")
    ] = "",
    precision: Annotated[str, typer.Option(help="float32, or bfloat16 for half the bits in products.")] = "float32",
    form: Annotated[
        str, typer.Option(help="Of Visual Behavior: warped (default) or unwarped.", show_default=False)
    ] = "",
    fill: Annotated[str, typer.Option(help="Border of unwarped images: grey (127), black, white or mean.")] = "grey",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")] = False,
    format_: FormatOption = Format.table,
) -> None:
    """Embed the images of a stimulus set: one vector for each, stored with what made it.

    What is stored for the same pixels, encoder, weights, preprocessing and precision is not computed again. Images and
    weights that are not at hand are fetched where the source's mode and the network allow it; without them the command
    ends with how to get them, and never takes another encoder. Encoders with weights need the extra images, and use a
    GPU where there is one.

    **Examples**

        nh embed images allen_vc natural_scenes

        nh embed images allen_vc natural_scenes --encoder dinov2-base --weights models/dinov2-base

        nh embed images allen_vc natural_scenes --encoder dinov2-base --weights models/dinov2-base --precision bfloat16

        nh embed images allen_vbn --form unwarped --fill mean --dry-run
    """
    with console.progress() as on_progress:
        found = operations.embed_images(
            home_folder(),
            source,
            image_set or "",
            encoder=encoder,
            preprocessing=preprocessing,
            weights=weights,
            precision=precision,
            form=form,
            fill=fill,
            dry_run=dry_run,
            on_progress=on_progress,
        )
    rows = [
        {
            "image_set": one.image_set,
            "embedding": one.embedding,
            "state": one.state,
            "images": one.facts.get("n_images"),
            "features": one.facts.get("n_features"),
            "effective rank": round(one.facts["effective_rank"], 1) if one.facts else None,
            "key": one.facts["key"][:12] if one.facts else None,
        }
        for one in found.sets
    ]
    console.print_rows(rows, _COLUMNS, format_, f"Image embeddings of {source}")
    if format_ is not Format.table:
        return
    for one in found.sets:
        if one.problem:
            console.say(escape(one.problem), to=console.err)
    if not found.sets:
        console.say(
            f"no image set of {escape(source)} is at hand; name one: it is fetched where the source's mode allows it"
        )
