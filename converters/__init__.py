"""Foreign formats and tools, in and out: one file or folder each."""
