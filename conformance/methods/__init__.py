"""Claims of the section on transforming methods."""
