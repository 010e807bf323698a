"""Does what operators ask of a supervisor, while the sale goes on."""
