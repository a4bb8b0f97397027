-- Sends the requests that a file lists, one a line: method, path, cookie, body, between tabs.
-- wrk ... --script requests.lua URL -- FILE again|once
-- The last line of the output is JSON with what was seen.

local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  requests, sent, once = {}, 0, args[2] == "once"
  counts, answered, statuses = {}, 0, ""
  for line in io.lines(args[1]) do
    local method, path, cookie, body = line:match("^(.-)\t(.-)\t(.-)\t(.*)$")
    local headers = { ["Host"] = wrk.headers["Host"] }
    if cookie ~= "" then headers["Cookie"] = cookie end
    if method == "POST" then headers["Content-Type"] = "application/x-www-form-urlencoded" end
    table.insert(requests, wrk.format(method, path, headers, method == "POST" and body or nil))
  end
end

function request()
  sent = sent + 1
  if once and sent > #requests then
    -- wrk wants a request as long as it runs; the answer of this one is not counted.
    return wrk.format("GET", "/healthz")
  end
  return requests[(sent - 1) % #requests + 1]
end

function response(status, headers, body)
  answered = answered + 1
  if once and answered > #requests then
    wrk.thread:stop()
    return
  end
  local key = tostring(status)
  counts[key] = (counts[key] or 0) + 1
  -- A thread hands only plain values to done().
  statuses = ""
  for name, count in pairs(counts) do
    statuses = statuses .. (statuses == "" and "" or ", ") .. '"' .. name .. '": ' .. count
  end
  if once and answered == #requests then wrk.thread:stop() end
end

function done(summary, latency)
  local statuses = ""
  for _, thread in ipairs(threads) do
    statuses = thread:get("statuses") or ""
  end
  io.write(string.format(
    '{"seconds": %.6f, "statuses": {%s}, "median_ms": %.3f, "p99_ms": %.3f, "slowest_ms": %.3f}\n',
    summary.duration / 1e6, statuses, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3))
end
