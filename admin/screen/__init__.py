"""What commands print for people: tables and lines, escaped and fitted."""
