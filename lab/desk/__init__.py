"""The laboratory's commands, which join `discovervoice`."""
