"""Which columns of an unknown database may be what a data set asks for, and why: proposals for a person, no decision."""
