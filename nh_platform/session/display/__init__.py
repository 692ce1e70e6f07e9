"""What notebooks show of an object instead of its arrays: one line, or a small table."""

from nh_platform.session.display.html_table import html_facts, html_rows

__all__ = ["html_facts", "html_rows"]
