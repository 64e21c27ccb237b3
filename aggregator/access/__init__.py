"""Policy decides, audit records, the door opens: the only way to log text."""
