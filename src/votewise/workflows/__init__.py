"""One function per command: options in, results and files out."""
