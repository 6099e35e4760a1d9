"""What becomes of a run: records. Nothing here imports JAX or Flax."""
