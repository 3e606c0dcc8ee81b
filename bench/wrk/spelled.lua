-- One request, sent again and again, at an address that each time is spelt otherwise: by the bits of a counter letters of its last segment
-- are percent-encoded. So no answer is one that the server has made before.
-- Arguments: METHOD BODY_FILE|- "Name: value" ...
dofile(debug.getinfo(1, "S").source:match("^@(.*/)") .. "fixed.lua")
local folder, name
local counter = 0

local initFixed = init
function init(args)
  initFixed(args)
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
  return wrk.format(nil, folder .. spelt .. "/")
end
