"""The operator's desk: the `discovervoice` command."""
