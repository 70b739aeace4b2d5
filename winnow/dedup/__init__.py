"""Duplicates, exact and near: signatures, buckets, clusters, survivors."""
