"""A fictional district, both deployables on loopback, one command: `python -m demo`."""
