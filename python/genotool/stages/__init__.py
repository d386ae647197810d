"""One verb a module: each reads a run folder or a data set and writes a run folder."""
