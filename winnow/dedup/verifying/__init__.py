"""Clusters checked by the true similarity of their documents."""
