"""What a network costs: multiply-accumulates, parameters, time."""
