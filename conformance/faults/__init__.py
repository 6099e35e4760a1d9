"""Faults: small, named ways to break NNX at run time, by which the claims are seen to fail."""
