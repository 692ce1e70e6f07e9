"""Commands that make assets of sessions, here or by the daemon, and what is printed of it."""
