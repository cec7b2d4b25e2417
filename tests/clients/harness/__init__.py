"""Real clients against a group that fails over: what tests/clients/run is made of."""
