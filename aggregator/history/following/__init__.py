"""Follows a log over rotations, outages and restarts, so that each line comes exactly once or is told to be missing."""
