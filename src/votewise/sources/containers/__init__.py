"""Files, folders, streams and tables in memory -> one Arrow table, in batches where it is large."""
