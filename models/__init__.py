"""The networks and their weights: plain torch modules and their checkpoint readers. Knows no other room."""
