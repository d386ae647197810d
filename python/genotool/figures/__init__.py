"""Figures as SVG text: the same bytes for the same numbers, one quiet style, safe for colour-blind readers.

Each function takes numbers and returns a whole SVG document. Text stays text (no glyph outlines), sizes are
chosen for a screen of 390 pixels, and a figure of simulated data says so in the picture.
"""
