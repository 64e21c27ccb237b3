"""The generations of one log on its host: which files hold it, and its bytes by address."""
