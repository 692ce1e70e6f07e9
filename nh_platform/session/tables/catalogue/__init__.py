"""Column schemas of what upstream offers: the manifest, the tables that a release publishes, and its history.

Add a module here when another table says what a release holds or changed. Tables of single sessions stand a folder
higher, those that join sessions in `nh_platform.session.tables.across_sessions`.
"""
