"""Every sentence that members read, the language they read it in, and names made harmless in it."""
