"""Checkpoints: the bundled weights with their cards, where a user's lie, and how one is loaded."""
