"""Duplicates within documents: lines, paragraphs, n-grams and substrings of the whole input."""
