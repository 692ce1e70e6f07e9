"""Upstream files: those that assets read, fetched ahead, and the recorded ones, listed and fetched on request."""
