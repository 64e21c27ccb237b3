"""Time → place: when the lines of a log's generations were written, and which bytes hold a range of time."""
