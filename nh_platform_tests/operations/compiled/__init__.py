"""Tests of kernels that are compiled side by side."""
