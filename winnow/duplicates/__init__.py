"""What a run's deduplication did, asked afterwards: its clusters, and what is similar to a text."""
