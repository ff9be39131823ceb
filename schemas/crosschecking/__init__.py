"""The evaluators of cross-record rules, a small one for each kind of `schemas.rules`. Entry: `schemas.crosscheck`."""
