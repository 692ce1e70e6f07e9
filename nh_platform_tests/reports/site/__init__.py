"""Tests of the QC site of a release."""
