"""Who may do what: passwords, sessions, tokens, keys and permissions."""
