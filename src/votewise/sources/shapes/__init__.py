"""One file per family of shapes that preference data come in."""
