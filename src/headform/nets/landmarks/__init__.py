"""Landmark networks: dense landmarks trained here, three third-party networks, and the committee of all."""
