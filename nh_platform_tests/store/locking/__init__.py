"""Tests of locks."""
