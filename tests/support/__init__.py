"""What several tests share: instances, servers, crowds, fakes."""
