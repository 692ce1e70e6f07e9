"""A session as one NWB file, under the names of IBL's and Allen's own files where the meaning is the same.

One module per part of the file. Plain types of the standard alone: no extension is needed to read what is written.
"""
