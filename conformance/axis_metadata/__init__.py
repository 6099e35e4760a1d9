"""Axis metadata: names of axes follow the axes."""
