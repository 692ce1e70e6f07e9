"""The commands that search whole releases."""
