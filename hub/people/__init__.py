"""People, and the programs that act for them: one-time links, browser sessions, tokens."""
