"""What the web measures, and how Prometheus gets it."""
