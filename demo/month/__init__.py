"""`python -m demo.month`: a month of three institutions by a script of troubles, and what gateway and bureau said of each day."""
