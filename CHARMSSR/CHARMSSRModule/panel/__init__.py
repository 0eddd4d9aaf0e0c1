"""What is seen: the widget and its sections."""
