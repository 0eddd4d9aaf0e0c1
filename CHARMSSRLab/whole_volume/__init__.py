"""Studies of whole volumes: what slice-wise and three-plane results are worth, measured against known truth."""
