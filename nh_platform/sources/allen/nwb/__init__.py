"""One NWB file of the Allen Institute as recording and annotation, in any of its layouts.

Add here what both data sets have in their files. Which file a session has, and where it comes from, is not known here.
"""
