"""The Celery application of a worker: ``celery -A nh_platform.defs.deployed.celery_worker worker --concurrency 2``.

Dagster's own command (`dagster-celery worker start`) writes the address of the broker, password included, into a file,
and leaves Celery's processes behind when it is stopped. Contains the application alone.
"""

import logging
import os

from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

import nh_platform.defs.build  # noqa: F401  loaded once, before the processes of runs are forked: 2.6 s each otherwise
from nh_platform.defs.deployed.celery_settings import REDIS_VARIABLE, SETTINGS
from nh_platform.defs.deployed.server_address import readable_address
from nh_platform.session import ConfigError

_address = os.environ.get(REDIS_VARIABLE)
if not _address:
    raise ConfigError(
        "worker",
        f"{REDIS_VARIABLE} is not set",
        f"Set it to the address of Redis, as {REDIS_VARIABLE}=redis://HOST:6379/0, and start the worker again.",
    )
readable_address(_address, REDIS_VARIABLE)

logging.getLogger("alembic").setLevel(logging.WARNING)  # seven lines for every run that opens the database

app = make_app({"broker": _address, "backend": _address, "config_source": SETTINGS})
"""Takes the tasks that the run launcher sends, and runs them."""

execute_job = create_execute_job_task(app)
resume_job = create_resume_job_task(app)
