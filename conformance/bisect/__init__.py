"""Which release or commit changed the verdict of a claim."""
