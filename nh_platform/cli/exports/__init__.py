"""Commands that write what the store holds in layouts that other tools read."""
