"""What several tests work with: instances, servers, crowds, faults."""
