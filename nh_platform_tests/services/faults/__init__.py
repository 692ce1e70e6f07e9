"""Faults of a deployment, for real: what is killed, filled, moved or refused, and what became of sessions."""
