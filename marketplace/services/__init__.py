"""Writes: one use case, one transaction."""
