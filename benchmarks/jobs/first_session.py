"""The first session of a fresh installation: how long functions are compiled while every asset of it is made.

``python -m benchmarks.jobs.first_session HOME SESSION``, started by `benchmarks.jobs.commands` with a cache of compiled
code that is empty. Makes the assets one after the other without Dagster, which compiles nothing, and prints the number
of compilations and their seconds.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from benchmarks.harness.homes import SOURCE


def main() -> None:
    """Make the session and say what was compiled."""
    from nh_platform.home.platform import Platform
    from nh_platform.home.settings import load_settings
    from nh_platform.operations.simulated.compiling import told_compilations
    from nh_platform.planning.making import make_session_asset
    from nh_platform.planning.versions import SourcePlan

    warnings.simplefilter("ignore")
    platform, session_id = Platform(load_settings(Path(sys.argv[1]))), sys.argv[2]
    with told_compilations():
        for name in SourcePlan(platform, SOURCE).assets:
            make_session_asset(platform, SOURCE, session_id, name)


if __name__ == "__main__":
    main()
