"""What the others run, each script in the environment of its contestant; none of them imports the gateway."""
