"""What a person does with a home folder, as functions with typed results: sync, fetch, materialize, backfill, demo.

Add an operation here when a person can do one more thing; a notebook calls it, and `nh_platform.cli` parses and prints.
Nothing here prints, and nothing parses arguments.
"""
