"""The gate: the suite in somebody else's CI, or on a laptop, with an exit code that says why."""
