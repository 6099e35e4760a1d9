"""Claims of the section on state propagation."""
