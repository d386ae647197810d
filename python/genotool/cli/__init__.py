"""The command line: one verb a module, no logic."""
