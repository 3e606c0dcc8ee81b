-- One request, sent again and again.
-- Arguments: METHOD BODY_FILE|- "Name: value" ...; the header "Bench-Delay: MS" isn't sent: each connection waits so long.
function init(args)
  wrk.method = args[1]
  if args[2] ~= "-" then
    local file = assert(io.open(args[2], "rb"))
    wrk.body = file:read("*a")
    file:close()
  end
  for index = 3, #args do
    local name, value = args[index]:match("^([^:]+):%s*(.*)$")
    if name == "Bench-Delay" then
      local milliseconds = tonumber(value)
      delay = function() return milliseconds end
    else
      wrk.headers[name] = value
    end
  end
end

-- wrk's own summary takes any failed request for a fast one; this line lets the bench refuse it.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d %.0f %.0f\n", summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, latency:percentile(99),
    latency:percentile(50)))
end
