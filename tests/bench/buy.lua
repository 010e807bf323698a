-- One purchase of one ticket, over and over. Arguments: the event, then the types, which
-- are bought in turns. Ends with one line of JSON; times in it are in microseconds.

local purchases = {}
local turn = 0

function init(arguments)
  local headers = { ["Content-Type"] = "application/json", ["Host"] = wrk.headers["Host"] }
  local event = arguments[1]
  for number = 2, #arguments do
    local body = string.format(
      '{"event": "%s", "type": "%s", "buyer": "Ann"}', event, arguments[number]
    )
    purchases[number - 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  turn = turn % #purchases + 1
  return purchases[turn]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '\n{"answers": %d, "refused": %d, "broken": %d, "duration": %d, "p50": %d, "p99": %d}\n',
    summary.requests, errors.status, errors.connect + errors.read + errors.write + errors.timeout,
    summary.duration, latency:percentile(50), latency:percentile(99)
  ))
end
