"""Measurements that need a quiet machine and minutes, so they are run by hand and their figures kept in RESULTS.md."""
