"""What a scan really measured: true resolution per axis, noise, contrast, each with its evidence.

Reading order: ``inspect`` (the whole examination), ``findings`` (what it says), ``spectrum``, ``zero_filling`` and
``resampling`` (how each axis was interpolated), ``noise``, ``contrast``, ``tags`` (what the files claim).
"""
