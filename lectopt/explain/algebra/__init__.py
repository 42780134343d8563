"""Formulas: SymPy with a few nodes of its own, what is known of their size, and names."""
