-- Sends the requests that a file lists, one a line: method, path, cookie, body, between tabs.
-- wrk ... --script requests.lua URL -- FILE again|once [MILLISECONDS]
-- With milliseconds, each connection waits that long on average before a request of its own.
-- The last line of the output is JSON with what was seen.

local ffi = require("ffi")
ffi.cdef [[
  struct moment { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct moment *now);
]]
local MONOTONIC, LONG_MS = 1, 3600000

local threads = {}

local function now()
  local read = ffi.new("struct moment")
  ffi.C.clock_gettime(MONOTONIC, read)
  return tonumber(read.seconds) + tonumber(read.nanoseconds) / 1e9
end

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  requests, sent, once = {}, 0, args[2] == "once"
  pause = tonumber(args[3] or "0")
  counts, answered, statuses = {}, 0, ""
  began, seconds = now(), 0
  for line in io.lines(args[1]) do
    local method, path, cookie, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = { ["Host"] = wrk.headers["Host"] }
    if cookie ~= "" then headers["Cookie"] = cookie end
    if method == "POST" then headers["Content-Type"] = "application/x-www-form-urlencoded" end
    table.insert(requests, wrk.format(method, path, headers, method == "POST" and body or nil))
  end
end

function request()
  -- wrk asks for one request before it begins, to look at it only.
  if not looked_at then
    looked_at = true
    return requests[1]
  end
  if sent == 0 then began = now() end
  sent = sent + 1
  return requests[(sent - 1) % #requests + 1]
end

-- Milliseconds to wait before the next request: who has none left waits for the end.
function delay()
  if once and sent >= #requests then return LONG_MS end
  return pause > 0 and math.random(0, 2 * pause) or 0
end

function response(status, headers, body)
  answered = answered + 1
  local key = tostring(status)
  counts[key] = (counts[key] or 0) + 1
  -- A thread hands only plain values to done().
  statuses = ""
  for name, count in pairs(counts) do
    statuses = statuses .. (statuses == "" and "" or ", ") .. '"' .. name .. '": ' .. count
  end
  -- wrk itself runs until its time is over, also when everything has been answered.
  seconds = now() - began
end

function done(summary, latency)
  local statuses, seconds = "", 0
  for _, thread in ipairs(threads) do
    statuses, seconds = thread:get("statuses") or "", thread:get("seconds")
  end
  io.write(string.format(
    '{"seconds": %.6f, "statuses": {%s}, "median_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, "slowest_ms": %.3f}\n',
    seconds, statuses, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3))
end
