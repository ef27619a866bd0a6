"""Reads: frozen pages of plain values."""
