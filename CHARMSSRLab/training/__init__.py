"""Training: degradations, the prepared set of slices, losses, the trainer.

Reading order: ``sources`` (what is known about each public data set), ``prepare``
(volumes -> cached slices), ``degradations`` (slices -> low-resolution slices),
``dataset`` (slices -> patches), ``losses``, ``config``, ``trainer``.
"""
