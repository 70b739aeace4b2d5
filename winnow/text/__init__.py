"""Words of a text: what heuristics count and what near-duplicates are made of."""
