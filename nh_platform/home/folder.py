"""The home folder: that of ``NH_HOME``, else ``data``.

Nothing heavy is imported here, so that `nh --help` answers at once.
"""

from __future__ import annotations

import os
from pathlib import Path

HOME_VARIABLE = "NH_HOME"


def home_folder() -> Path:
    """Return the home folder that the environment names, or ``data`` in the working directory."""
    return Path(os.environ.get(HOME_VARIABLE) or "data").absolute()
