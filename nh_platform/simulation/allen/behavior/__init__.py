"""Simulated Visual Behavior sessions: the change detection task, its NWB layout, and releases of it.

Add here what Visual Behavior alone has.
"""
