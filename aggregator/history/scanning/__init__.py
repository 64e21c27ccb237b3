"""What a host finds of a text in a range of one generation, as lines with their addresses."""
