"""What `gateway doctor` looks at: the machine, the store, the sources, the platforms. No record is sent."""
