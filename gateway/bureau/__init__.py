"""The platform as the gateway sees it."""
