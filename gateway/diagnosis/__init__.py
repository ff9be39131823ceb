"""What `gateway doctor` looks at: the machine, the store, the sources, the platforms. Nothing is changed, no record is sent."""
