"""Pairs of 3T and 7T scans: read, checked, registered, brought to a common grid."""
