"""Fine-tuning from 3T/7T pairs.

Reading order of the data side: ``pairs`` (what a user gives), ``pair_checks`` (refused before any
work), ``registration`` (prepares a pair and brings the 7T onto the 3T), ``rigid`` (the search for
the transform), ``pair_target`` (the 7T on the enlarged 3T grid), ``pair_quality`` and ``pair_picture``
(how well it fits), ``derived_pairs`` (pairs with a known truth, for tests).
"""
