"""Column schemas of tables that join sessions: catalogs of a source, and training sets.

Add a module here when another such asset has tables. Tables of one session stand a folder higher.
"""
