"""Distances between a measured scan and a predicted head, by protocol."""
