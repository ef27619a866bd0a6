"""Forms: strings of a browser into commands, and what could not be read."""
