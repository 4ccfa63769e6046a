"""Landmark networks: the dense landmarks of our own, three third-party networks, and the committee of them all."""
