"""What is in MRML: geometry, masks, results, maps, views, pairs, checks."""
