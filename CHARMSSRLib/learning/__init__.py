"""What every training here has in common: losses and the step."""
