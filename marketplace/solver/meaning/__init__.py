"""What an answer says: what one more tonne is worth, the margin of each award, the curve of cost against tonnes."""
