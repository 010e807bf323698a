"""The sale itself: requests are queued, batched and committed together."""
