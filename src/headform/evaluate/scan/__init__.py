"""Distances between a measured scan and a predicted head, by protocol. No arrays here, hence no letters."""
