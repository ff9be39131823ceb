"""When things run. What they do lives elsewhere; durable state is rows, never the scheduler's."""
