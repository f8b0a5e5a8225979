"""Speaker and singer encoders: Resemblyzer and AST."""
