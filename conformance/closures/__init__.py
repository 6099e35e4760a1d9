"""Claims on what a body captures instead of getting it as an argument."""
