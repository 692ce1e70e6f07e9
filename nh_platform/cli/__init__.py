"""`nh …`, one module per command group.

Add a command in the module of its group, with examples in its help. No science and no Dagster definition stands here;
heavy libraries are imported inside the commands that need them, so that `nh --help` answers at once.
"""

from nh_platform.cli.app import app, main

__all__ = ["app", "main"]
