"""Rules of the field: no framework, no clock, no database."""
