"""What only the embedded instance has, whose history is SQLite files of one machine.

Contains how its databases are opened and begun. What its storages answer otherwise than Dagster's stands in
`nh_platform.defs.event_log` and `nh_platform.defs.run_storage`.
"""
