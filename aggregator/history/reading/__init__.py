"""One log read as entries, from a place forwards or backwards, as far as they are wanted."""
