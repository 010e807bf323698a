"""What the web measures, and how Prometheus is told."""
