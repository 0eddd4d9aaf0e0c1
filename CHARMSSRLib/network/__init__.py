"""The CHARMS network, one file per block of the paper.

Reading order: ``charms`` (the whole network), ``rraf`` (one stage of the backbone:
``rlfe`` with ``esa``, ``channel_shuffle``, ``pca``), ``transformer`` (``mddta`` and
``gddfn``), ``upsampler``, ``hfir``. ``inference_form`` is the same function, faster.
"""
