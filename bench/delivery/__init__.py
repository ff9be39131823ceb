"""The whole way of a row, MariaDB -> HTTP receiver that counts, for the gateway and for what others would use instead.

Every contestant is a process of its own in an environment of its own, reads the same table and talks to the same receiver.
"""
