"""Claims of the introduction and of the guide's first example."""
