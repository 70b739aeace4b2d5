"""Deduplication against what earlier runs kept."""
