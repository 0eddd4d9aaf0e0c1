"""Enhancement of a whole volume.

Reading order: ``enhance`` (the whole job), ``checks`` (what is refused), ``geometry``
(grids), ``slices`` (axis, box, which slices), ``inference`` (batches through the
network), ``data_consistency``, ``banding``, ``report``.
"""
