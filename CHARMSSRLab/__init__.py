"""The laboratory: what trains and judges CHARMSSR. Never installed in Slicer.

``pip install "charmssr[lab]"`` brings what it needs beside the library.
"""
