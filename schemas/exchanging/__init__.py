"""The Excel field table, in parts; `schemas.exchange` is the way in."""
