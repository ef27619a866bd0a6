"""The outside: mail, geocoding, documents; each with a null twin."""
