"""Tests of the export to NWB."""
