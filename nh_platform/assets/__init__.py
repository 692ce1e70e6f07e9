"""The assets: one file each, which says all there is to say of it, and the records that these files fill in.

Add a per-session asset here as one module with a record `ASSET`; one that is made only where it is asked for goes to
`on_request`, one that joins sessions to `across_sessions`.
Which of them run, and when, is decided in `nh_platform.planning`; nothing here knows Dagster, and a formula belongs to
the room of its science.
"""
