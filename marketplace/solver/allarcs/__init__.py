"""More arcs than one wants to hold: made, priced and proved batch by batch."""
