"""Commands about benchmark tasks."""
