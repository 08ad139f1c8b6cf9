"""What every back end must pass, over all of them."""
