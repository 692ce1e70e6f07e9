"""Dagster's parts for more than one machine: storage in Postgres, runs as Celery tasks on Redis.

Named in ``deploy/dagster.yaml``; the packages come with the extra ``deploy``. Of the platform, `nh doctor` and
`nh move-history` alone use this folder. Add here only what Dagster's own classes must do differently.
"""
