"""The operator's command line: `discovervoice`."""
