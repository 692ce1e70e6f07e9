"""Tests of the views under the names of other libraries."""
