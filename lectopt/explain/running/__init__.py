"""The equations evaluated as NumPy, and beside the optimizer."""
