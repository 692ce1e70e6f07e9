"""The page of a session that a reviewer opens: verdicts, units, and a card with figures for each unit.

Add here what the page of a session shows. Charts and the shell of pages are `nh_platform.reports.page`; the asset that
writes it is `nh_platform.assets.session_report`.
"""
