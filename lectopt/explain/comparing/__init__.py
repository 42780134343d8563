"""Two optimizers: the proof that they make the same updates, or where they part."""
