"""The operator: commands of `flask --app wsgi`."""
