"""An unknown database looked at: its tables, and what their columns hold. Read-only, bounded, no value of a person kept."""
