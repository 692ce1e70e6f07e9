"""The unified HDF5 file: one layout for the sessions of every source, read by anything that reads HDF5.

Add a module here for one more part of the file. How the file is written is `hdf5_file`.
"""
