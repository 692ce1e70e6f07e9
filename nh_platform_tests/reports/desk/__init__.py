"""Tests of the review desk, behind its guard on a real loopback port."""
