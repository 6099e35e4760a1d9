"""What the claims stand on: the subject, the transforms as data, descriptions, verdicts."""
