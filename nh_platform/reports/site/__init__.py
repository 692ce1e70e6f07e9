"""The QC site of a release: an index over all its sessions, a page per rule, and tables for a meeting.

Add here what is said of many sessions together. Charts and the shell of pages are `nh_platform.reports.page`; the asset
that writes the site is `nh_platform.assets.across_sessions.qc_site`.
"""
