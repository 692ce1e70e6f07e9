"""Commands that search whole releases before anything of a session is downloaded.

Add a command here that looks through released tables. Sessions are found by `nh_platform.cli.sessions`.
"""
