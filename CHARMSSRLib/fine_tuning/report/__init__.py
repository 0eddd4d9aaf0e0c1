"""What a fine-tuning is worth: scores, the intensity-matched baseline, the page."""
