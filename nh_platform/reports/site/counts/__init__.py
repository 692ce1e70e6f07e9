"""What the site counts of the units of a release: shares by group, outliers, distributions, and units in and out.

Add a module here when the site counts something else of them. What is counted is put together in
`nh_platform.reports.site.building`.
"""
