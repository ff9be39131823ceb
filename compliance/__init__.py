"""Bureau side: receives, counts who is covered and on time, writes the workbooks. Shares only schemas with the gateway."""
