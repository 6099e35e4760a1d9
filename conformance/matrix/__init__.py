"""The suite against many subjects, each in an environment of its own."""
