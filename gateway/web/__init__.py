"""HTTPS as the gateway speaks it to whomever: with patience that ends, and telling distrust from a broken line."""
