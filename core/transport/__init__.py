"""The link between the web and a worker, and the page's listening socket."""
