"""The process that computes for the Slicer panel, and how to talk to it."""
