"""Compiled code of a fresh installation: which kernels a session uses, and their compilation side by side."""
