"""Which claim stands for which passage of the guide: its words are read, and never stored."""
