"""Dagster's parts for more than one machine: storage in Postgres, runs as Celery tasks on Redis.

Named in ``deploy/dagster.yaml``; the packages come with the extra ``deploy``. Nothing else of the platform imports this
folder. Add here only what Dagster's own classes must do differently.
"""
