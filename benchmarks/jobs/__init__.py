"""What the platform does in rows of the table, a process each: ``python -m benchmarks.jobs.MODULE JOB IN OUT``."""
