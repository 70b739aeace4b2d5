"""Bounds proposed from a ledger: for a wanted yield, for labelled pages, for each language.

All three read the bounded measures of the run into memory (8 bytes a measure and document: 200 MB
for a million documents and 25 bounds) and change nothing: they propose.
"""
