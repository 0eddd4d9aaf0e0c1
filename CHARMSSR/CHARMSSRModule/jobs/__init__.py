"""What is asked of the worker."""
