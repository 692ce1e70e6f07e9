"""The harness of `python -m benchmarks`: sides that take turns behind a gate, and the page made of what they took."""
