"""What people are shown of an object instead of its arrays: one line, a small table, a number in words."""

from nh_platform.session.display.counted import counted
from nh_platform.session.display.html_table import html_facts, html_rows

__all__ = ["counted", "html_facts", "html_rows"]
