"""A site's database: opened so that nothing can be written, asked gently, read in pages; what goes wrong is one sentence."""
