"""Tests of one room of the platform; each module says what it holds to."""
