"""Files that a site drops into a folder: when one is complete, what its rows are, and how it is put away."""
