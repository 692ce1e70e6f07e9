"""A session in formats that need no library of ours: npz, npy files, Parquet tables; all hold the same.

Add a module here for one more such format. What of a session goes into them is `session_content`.
"""
