-- PUT of files with distinct names and distinct random contents, so that no server can store one for two.
-- Two "@" in the path become a number from 00 to 99, another one for each request.
-- Arguments: SIZE PREFIX RANDOM_FILE "Name: value" ...
-- How it ends is as in fixed.lua.
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "fixed.lua")
local size, prefix, pool
local counter = 0

function init(args)
  size = tonumber(args[1])
  prefix = args[2]
  local file = assert(io.open(args[3], "rb"))
  pool = file:read(1048576)
  file:close()
  for index = 4, #args do
    local name, value = args[index]:match("^([^:]+):%s*(.*)$")
    wrk.headers[name] = value
  end
  math.randomseed(os.time())
end

function request()
  counter = counter + 1
  local mark = string.format("%s-%010d:", prefix, counter)
  local start = math.random(1, #pool - size)
  local body = mark .. pool:sub(start, start + size - #mark - 1)
  local path = wrk.path:gsub("@@", string.format("%02d", counter % 100))
  return wrk.format("PUT", path .. prefix .. "-" .. counter .. ".bin", nil, body)
end
