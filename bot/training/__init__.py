"""`/train`: notes go into the basket, and their member agrees, by a sentence read aloud, before a voice is made."""
