-- One request, sent again and again, at an address that each time is spelt otherwise: by the bits of a counter letters of its last segment
-- are percent-encoded. So no answer is one that the server has made before.
-- Arguments: METHOD BODY_FILE|- "Name: value" ...
local method
local folder, name
local counter = 0

function init(args)
  method = args[1]
  if args[2] ~= "-" then
    local file = assert(io.open(args[2], "rb"))
    wrk.body = file:read("*a")
    file:close()
  end
  for index = 3, #args do
    local header, value = args[index]:match("^([^:]+):%s*(.*)$")
    wrk.headers[header] = value
  end
  folder, name = wrk.path:match("^(.*/)([^/]+)/$")
end

function request()
  counter = counter + 1
  local bits = counter
  local spelt = name:gsub(".", function(letter)
    local isEncoded = bits % 2 == 1
    bits = math.floor(bits / 2)
    return isEncoded and string.format("%%%02x", letter:byte()) or letter
  end)
  return wrk.format(method, folder .. spelt .. "/")
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d %d %d %.0f %.0f\n", summary.requests, summary.duration, summary.bytes,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout, latency:percentile(99),
    latency:percentile(50)))
end
