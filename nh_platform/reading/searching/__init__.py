"""Searching: sessions, probes, and the tables of whole releases, before or after anything is downloaded.

Add a fact or filter by which people look for data here. What is done with a session that was found is the folder above.
"""
