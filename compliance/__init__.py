"""Bureau side: receives, counts who is covered and on time, and writes the workbooks. Shares nothing with the gateway but schemas."""
