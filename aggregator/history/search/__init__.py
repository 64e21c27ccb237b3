"""Many logs of many hosts read at once, merged by time, in pages."""
