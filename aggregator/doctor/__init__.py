"""Whether hosts can be read, and what to do where they can't: each is reached and looked at once."""
