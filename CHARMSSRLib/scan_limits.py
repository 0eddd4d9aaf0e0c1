"""What a scan must be like to be enhanced: said once for readers of files, checks of images and the panel."""

MINIMUM_SLICES = 16
MINIMUM_IN_PLANE = 32  # voxels along each axis of a slice
SPACING_RANGE = (0.1, 10.0)  # mm
CT_THRESHOLD = -500  # CT alone has values below
