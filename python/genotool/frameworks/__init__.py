"""The loops that families share, one framework a module; imported by plugins only."""
