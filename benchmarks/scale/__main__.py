"""What a release costs: ``uv run python -m benchmarks.scale`` makes the tables of docs/scale.md.

    uv run python -m benchmarks.scale --print                      # the projection, in the terminal
    uv run python -m benchmarks.scale --print --assumed mine.yaml  # with prices, releases and machines of your own
    uv run python -m benchmarks.scale --take rehearsal=FILE        # the result of a rehearsal, into the page
    uv run python -m benchmarks.scale --take full=FILE --folder TRIAL     # a trial, elsewhere

Without ``--print``, ``docs/scale.json`` and ``docs/scale.md`` are written.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchmarks.scale.assumed import SHIPPED, read_assumed
from benchmarks.scale.page import PAGE, tables, write_page
from benchmarks.scale.results import RESULTS, SECTIONS, read_results, taken
from nh_platform.session.errors import ConfigError

_PROJECTION = {
    "session": "A mean session of each release",
    "amounts": "What sessions take",
    "machines": "How long machines take",
    "bills": "What a cloud asks",
}


def main() -> None:
    """Print the projection, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--assumed", type=Path, default=SHIPPED, help="YAML file of releases, prices and machines")
    parser.add_argument("--take", action="append", default=[], metavar="SECTION=FILE", help=", ".join(SECTIONS))
    parser.add_argument("--folder", type=Path, help="write there, also what a trial with few sessions measured")
    parser.add_argument("--print", action="store_true", help="print the projection and write nothing")
    asked = parser.parse_args()
    try:
        assumed, results = read_assumed(asked.assumed), read_results()
        for one in asked.take:
            section, _, file = one.partition("=")
            results = taken(results, section, Path(file), is_trial=asked.folder is not None)
    except (ConfigError, ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    if asked.print:
        made = tables(results, assumed)
        for name, title in _PROJECTION.items():
            print(f"{title}\n\n{made[name]}\n")
        return
    if asked.assumed != SHIPPED and asked.folder is None:
        sys.exit(f"error: the page is of {SHIPPED.name} of the repository; --print or --folder shows another")
    page, stored = PAGE, RESULTS
    if asked.folder:
        asked.folder.mkdir(parents=True, exist_ok=True)
        page, stored = asked.folder / PAGE.name, asked.folder / RESULTS.name
    stored.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_page(results, assumed, page)
    print(f"{page}, {stored.name}: {', '.join(name for name in SECTIONS if name in results) or 'nothing measured yet'}")


if __name__ == "__main__":
    main()
