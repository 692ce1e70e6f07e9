"""Verified transfer of upstream files, and where a file goes: by its md5, or into the places of AllenSDK's cache.

Add here what every download needs: another protocol, another check. Which files a session has is said by its source;
nothing here knows a dataset.
"""
