"""Promises about objects that are reached more than once."""
