"""`nh qc docs`: the pages of the documentation that are generated, written or held against what they should be.

Contains the command alone. What the pages say is `nh_platform.qc.rules.rulebook_pages`,
`nh_platform.windows.presets.preset_page` and `nh_platform.reports.data_dictionary`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DOCS_FOLDER = Path("docs")
RULEBOOKS, DICTIONARY, PRESETS = "rulebooks", "data-dictionary.md", "presets.md"
GENERATED = "<!-- Written by `nh qc docs`"


def docs(
    folder: Annotated[Path, typer.Option(help="Folder of the documentation.")] = DOCS_FOLDER,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a page is out of date.")] = False,
) -> None:
    """Write the pages of the rulebooks, the window presets and the data dictionary, or check that they are up to date.

    **Examples**

        nh qc docs

        nh qc docs --check
    """
    pages = generated_pages(folder)
    old = sorted((folder / RULEBOOKS).glob("*.md"))
    gone = [path for path in old if path not in pages and GENERATED in _text_of(path)]
    stale = [path for path, text in pages.items() if _text_of(path) != text]
    if check:
        for path in (*stale, *gone):
            typer.echo(f"out of date: {path}")
        typer.echo(f"{len(stale) + len(gone)} of {len(pages)} pages are out of date")
        raise typer.Exit(1 if stale or gone else 0)
    (folder / RULEBOOKS).mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(pages[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    typer.echo(f"{len(stale)} pages written, {len(gone)} removed, {len(pages) - len(stale)} were up to date")


def generated_pages(folder: Path) -> dict[Path, str]:
    """Return the text of every generated page below the documentation's folder, by its path, sorted."""
    from nh_platform.assets.registry import asset_tables
    from nh_platform.qc.rules.rulebook_pages import rulebook_pages
    from nh_platform.qc.validation.validation_table import FILE, read_validation
    from nh_platform.reports.data_dictionary import dictionary_page
    from nh_platform.windows.presets.preset_page import preset_page

    rulebooks = rulebook_pages(read_validation(folder / RULEBOOKS / FILE))
    pages = {folder / RULEBOOKS / name: text for name, text in rulebooks.items()}
    pages[folder / PRESETS] = preset_page()
    pages[folder / DICTIONARY] = dictionary_page(asset_tables())
    return dict(sorted(pages.items()))


def _text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
