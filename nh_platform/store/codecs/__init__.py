"""Formats of stored files: HDF5, Parquet, small JSON files, and the files of a recording.

Add a codec here. Where a file lies, and that its bytes are those that were published, is `nh_platform.store`.
"""
