"""Institution side: reads local rows, proves them valid, and delivers each exactly once to the bureau."""
