"""Upkeep of a home folder: its store verified, mended, migrated, pruned, backed up and restored.

Add an operation here that keeps what is stored whole. What makes new content stands beside this folder.
"""
