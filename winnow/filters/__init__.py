"""Measures of documents, and the bounds that make verdicts of them."""
