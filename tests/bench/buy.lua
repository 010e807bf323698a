-- One purchase of one ticket of type A; wrk sends it over and over.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"type": "A", "buyer": "Ann"}'
