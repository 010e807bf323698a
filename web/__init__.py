"""The web: takes buyers' requests, spreads purchases over the workers, shows what is left."""
