"""How well the examination of a scan finds what it really measured: made interpolation of every kind, real volumes."""
