"""Claims on loops that carry a Module: scan, while_loop and fori_loop."""
