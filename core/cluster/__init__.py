"""Who is there and what is wanted of them: registrations, requests, alarms, status."""
