"""What answers are made from: templates, static files, languages, problems."""
