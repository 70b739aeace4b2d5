"""Documents of earlier runs, against which a new one is deduplicated."""
