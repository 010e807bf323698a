"""The link between the web and a worker, and the listening socket that is handed on."""
