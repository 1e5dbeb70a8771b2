"""Files, journals and database engines: nothing here knows what a vote is."""
