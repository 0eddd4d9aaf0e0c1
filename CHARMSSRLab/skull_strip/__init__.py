"""Training and scoring of the built-in skull-strip."""
