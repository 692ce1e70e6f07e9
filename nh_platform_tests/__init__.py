"""Tests of the platform, in the folders of the package they test; `end_to_end/`, `services/`, `browser/` cut across."""
