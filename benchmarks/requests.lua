-- wrk -s requests.lua URL -- KIND SEED CLINICS DOCTORS CUSTOMERS OPENING DAYS PLACES TOKENS
-- KIND: empty, day, week or month (availability), hot, hotweek or hotmonth (the same each time), or book. OPENING: the first day's opening time, in seconds since 1970.
-- TOKENS: a file with each customer's token, one per line.

local kind, clinics, doctors, customers, opening, days, places
local threads, tokens = {}, {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  kind = args[1]
  math.randomseed(tonumber(args[2]))
  clinics, doctors, customers = tonumber(args[3]), tonumber(args[4]), tonumber(args[5])
  opening, days, places = tonumber(args[6]), tonumber(args[7]), tonumber(args[8])
  for token in io.lines(args[9]) do
    table.insert(tokens, token)
  end
  successes, refusals, failures = 0, 0, 0
end

local function doctor(clinic, number)
  return string.format("%08x-0000-8000-8000-%012x", clinic, number)
end

local function date(day)
  return os.date("!%Y-%m-%d", opening + day * 86400)
end

local requests = {
  empty = function()
    return wrk.format("GET", "/healthz")
  end,
  day = function()
    local clinic = math.random(clinics)
    local path = "/api/doctors/%s/availability?date=%s&appointmentTypeId=%s"
    local day = date(math.random(days) - 1)
    return wrk.format("GET", path:format(doctor(clinic, math.random(doctors)), day, doctor(clinic, 0)))
  end,
  hot = function()
    local path = "/api/doctors/%s/availability?date=%s&appointmentTypeId=%s"
    return wrk.format("GET", path:format(doctor(1, 1), date(0), doctor(1, 0)))
  end,
  hotweek = function()
    local path = "/api/clinics/1/availability?from=%s&to=%s&appointmentTypeId=%s"
    return wrk.format("GET", path:format(date(0), date(6), doctor(1, 0)))
  end,
  week = function()
    local clinic = math.random(clinics)
    local path = "/api/clinics/%d/availability?from=%s&to=%s&appointmentTypeId=%s"
    return wrk.format("GET", path:format(clinic, date(0), date(6), doctor(clinic, 0)))
  end,
  month = function()
    local clinic = math.random(clinics)
    local path = "/c/%d/times?type=%s&date=%s"
    return wrk.format("GET", path:format(clinic, doctor(clinic, 0), date(math.random(days) - 1)))
  end,
  hotmonth = function()
    return wrk.format("GET", ("/c/1/times?type=%s&date=%s"):format(doctor(1, 0), date(0)))
  end,
  book = function()
    local clinic = math.random(clinics)
    local start = opening + (math.random(days) - 1) * 86400 + (math.random(places) - 1) * 900
    local customer = math.random(customers)
    local body = '{"customerId":"00000000-0000-7000-8000-%012x","customerToken":"%s","doctorId":"%s",'
      .. '"appointmentTypeId":"%s","startTime":"%s"}'
    local time = os.date("!%Y-%m-%dT%H:%M:%SZ", start)
    body = body:format(customer, tokens[customer], doctor(clinic, math.random(doctors)), doctor(clinic, 0), time)
    return wrk.format("POST", "/api/appointments", { ["Content-Type"] = "application/json" }, body)
  end,
}

function request()
  return requests[kind]()
end

function response(status)
  if status == 200 or status == 201 then
    successes = successes + 1
  elseif status == 409 then
    refusals = refusals + 1
  else
    failures = failures + 1
  end
end

function done(summary, latency)
  local successes, refusals, failures = 0, 0, 0
  for _, thread in ipairs(threads) do
    successes = successes + thread:get("successes")
    refusals = refusals + thread:get("refusals")
    failures = failures + thread:get("failures")
  end
  local errors = summary.errors
  failures = failures + errors.connect + errors.read + errors.write + errors.timeout
  local line = '{"successes": %d, "refusals": %d, "errors": %d, "seconds": %f}\n'
  io.write(line:format(successes, refusals, failures, summary.duration / 1e6))
end
