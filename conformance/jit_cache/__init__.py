"""Claims on how often jit traces."""
