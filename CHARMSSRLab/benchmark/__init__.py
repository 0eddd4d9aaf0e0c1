"""What a machine can do, and how near CHARMS comes to it.

Reading order: ``timing`` (taking turns), ``limits`` (the machine), ``networks`` (one slice),
``operators`` (where the time of a slice goes), ``stage`` (the slices of a volume), ``jobs`` and
``whole_job`` (files to files, the naive way beside), ``growth``; ``run`` does them in order and
``tables`` writes them down. All but the last five are free of SimpleITK.
"""
