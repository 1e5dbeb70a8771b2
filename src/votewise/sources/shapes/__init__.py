"""One file per family of formats of preference data."""
