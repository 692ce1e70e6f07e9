"""Failures of steps, told: in the platform's own words, and by a tag of the run that says of which kind it was.

Assets and checks of sessions alike: a check that crashed said no kind, was taken for a process that was killed, and
would have been tried again for ever. Which kinds there are stands in `run_tags`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from nh_platform.defs.metadata import failure
from nh_platform.defs.run_tags import failure_tag
from nh_platform.session import NhError


@contextmanager
def told_failures(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> Iterator[None]:
    """Tag the run of a step with the kind of what is raised in it."""
    try:
        yield
    except Exception as error:
        context.instance.add_run_tags(context.run.run_id, {failure_tag(error): "yes"})
        if isinstance(error, NhError):
            # Without the chain of causes: its 70 lines of traceback hid the sentence that says what to do.
            raise failure(error) from None
        raise
