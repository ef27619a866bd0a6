"""Rules on top of the arcs: least lots, fees, truckloads, caps, blends, filings; plans, bounds and their proof."""
