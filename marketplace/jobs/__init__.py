"""Later: what runs behind a request; the only code that knows the task queue."""
