"""The HTTP interface as an OpenAPI 3.1 description, and the page that shows it to people."""
