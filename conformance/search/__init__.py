"""Objects and edits drawn at random, as scripts, with plain Python as the judge."""
