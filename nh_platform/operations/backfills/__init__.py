"""Sessions asked for of the daemon: what a backfill makes, what it needs, and the record that it is wanted.

Add here what concerns many sessions at once that are made later. What is made here and now is `session_runs`.
"""
