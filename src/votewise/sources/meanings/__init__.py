"""What columns and their values mean: votes, people, times, margins, and rows that are not votes."""
