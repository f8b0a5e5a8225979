"""The networks and their weights: plain torch modules and their checkpoint readers. Imports no room but `files`."""
