"""What makes the answer one: the cut, the prices and the ties, of whichever best plan an engine found."""
