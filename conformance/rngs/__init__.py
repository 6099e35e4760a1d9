"""Claims of the section on random state."""
