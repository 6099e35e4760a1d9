"""Lift types: shardings and gradients by sub-state, and which transform takes which lift type."""
