"""The network in the form that runs fastest: folded, frozen, fused."""
