"""Texts → signatures: normalised words or characters, shingles, MinHash values, band keys."""
