"""Tests of the page of a session, without a browser."""
