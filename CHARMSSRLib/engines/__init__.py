"""What computes the network: ncnn (small, everywhere) or torch (NVIDIA cards), behind one interface.

Reading order: ``interface`` (what an engine is), ``choice`` (which one computes), ``architecture`` (what a
card describes), then ``ncnn_graph``, ``ncnn_layers`` and ``ncnn_charms`` (the network in ncnn's own words),
``ncnn_engine`` and ``torch_engine``. A checkpoint is the same pair of files for both.
"""
