"""NWB files of any lab: opened, their tables and spikes read by the standard.

Add here what the standard says and sources of several data sets need. What a data set adds to it is its source's
matter.
"""
