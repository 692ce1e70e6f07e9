"""Addresses of IBL files in the bucket and on the HTTP server, and their transfer.

Add here where an IBL file may lie. The transfer itself is `nh_platform.downloads`.
"""
