"""Cell types of units: narrow and broad waveforms, and units that light drives.

Contains one module per way of telling types apart. Add another way here, with a definition id of its own in
`nh_platform.session.tables.cell_types`. Nothing here reads a file.
"""
