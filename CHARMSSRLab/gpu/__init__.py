"""Scripts for a machine with a graphics card; see README.md in this folder."""
