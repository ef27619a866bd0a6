"""The browser: a blueprint for each noun; a view reads, makes one call and shows the outcome."""
