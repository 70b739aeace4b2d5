"""Shards on disk: committed whole or not at all, described by receipts, listed by a manifest.

Apart from ``pipeline`` because the trainer reads stores and must import nothing else of ours.
"""
