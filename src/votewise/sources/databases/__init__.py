"""Connection URLs and tables of databases."""
