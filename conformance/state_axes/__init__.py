"""State axes: which axis each sub-state of an object is mapped along."""
