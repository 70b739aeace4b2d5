"""Where documents come from: one input file, many splits, a row a page."""
