"""`discovervoice doctor`: what an operator can get wrong, each in one sentence with a next step; nothing is changed."""
