"""Reports: one self-contained HTML page per job, interactive, printable, and safe to open whatever the data contain."""
