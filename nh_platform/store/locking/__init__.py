"""Versions that stay: the locks that name them, and a store that is read through one."""
