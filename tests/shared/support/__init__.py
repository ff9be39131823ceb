"""What several test folders share: databases of their own, and doubles of the ports."""
