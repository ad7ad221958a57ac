"""JavaScript pieces, each with its Python face."""
