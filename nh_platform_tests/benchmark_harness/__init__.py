"""The harness of benchmarks: what it refuses to print."""
