"""Mutants: Flax's source made wrong in one small place, and who notices."""
