"""The web page of a home folder: its three processes, who starts and ends them, and who may ask it.

Add here what `nh ui` needs to serve Dagster's own page. What the page shows is `nh_platform.defs`.
"""
