"""Makers of the pages, cards and pictures that stand in the repository."""
