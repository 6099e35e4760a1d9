"""Claims that are checked with objects and edits that were drawn at random."""
