"""The CHARMSSR module of Slicer, one job per file. Nothing here imports torch."""
