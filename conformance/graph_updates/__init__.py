"""Claims of the section on graph updates propagation."""
