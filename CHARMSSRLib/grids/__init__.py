"""Every way to refine or coarsen a grid, orientation, geometry, slices and stacks."""
