"""Requests and answers: addresses, cookies, languages, problems, templates and files."""
