"""Sessions as recordings of torch_brain 0.2.1 (`torch_brain.data`): one HDF5 file each, written without that library.

Contains the layout ``torch-brain``: what is in a file, its bytes, and the checks that torch_brain does not make. Add
here what another version of torch_brain asks of a file. torch_brain itself is never imported: its own samplers open the
files in the tests marked ``peer``, in an environment of its own.
"""
