"""Tests of the figures and pages."""
