"""What a model is trained to do with the documents of a sample: one module an objective.

All of them share shards, order, resume, optimizer and loop. What they see is the pieces of packed
samples with their numbers; all that is drawn is keyed on those, so a resumed run, or one on another
number of ranks, draws the same.
"""
