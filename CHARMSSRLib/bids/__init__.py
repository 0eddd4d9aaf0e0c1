"""A BIDS App: finds the scans of a dataset, enhances them into a derivative dataset, shows their quality."""
