"""The methods that CHARMS is compared with, all trained and scored under one protocol."""
