"""Python functions written from the edition: what the bulk paths run instead of walking the model for every value."""
