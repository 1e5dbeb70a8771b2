"""What everything else speaks: votes, clicks, and what became of every row that was read."""
