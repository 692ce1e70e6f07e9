"""Tests of stores in a bucket; each module says what it holds to."""
