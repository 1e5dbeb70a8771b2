"""The data that all other parts use: votes, clicks, and what became of every row that was read."""
