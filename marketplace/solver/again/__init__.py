"""An answer that stands while things change."""
