"""Between the domain and the arrays: snapshot to problem, allocation to awards, and why."""
