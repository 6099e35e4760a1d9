"""A failing case as a script that stands alone."""
