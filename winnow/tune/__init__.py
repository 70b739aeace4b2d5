"""Bounds proposed from a ledger: for a wanted yield, for labelled pages, for each language.

All three read the bounded measures of the run into memory (some 700 MB for a million documents and
25 bounds, work included) and change nothing: they propose.
"""
