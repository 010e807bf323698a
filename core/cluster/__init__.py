"""The cluster's processes: registrations, desired state, requests, alarms, status."""
