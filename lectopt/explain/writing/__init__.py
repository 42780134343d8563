"""From a system of equations to a page: groups of leaves, letters, text, LaTeX, HTML."""
