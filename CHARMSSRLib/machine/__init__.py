"""Devices, cores and memory of this computer."""
