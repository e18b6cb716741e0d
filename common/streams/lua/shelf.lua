-- See what lies on a stream that a group reads on request only, and how much of it is too much.
-- Time is Redis time.
-- KEYS: 1 stream
-- ARGV: 1 group, 2 bytes that may lie there, 3 ms that an entry may lie there, 4 most to count by age
-- Returns {entries not read, how many of the oldest are beyond the bounds, id of the oldest}, or {}.
local length = redis.call('XLEN', KEYS[1])
if length == 0 then return {} end
local last, lag
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  if group['name'] == ARGV[1] then last, lag = group['last-delivered-id'], group['lag'] end
end
local oldest = redis.call('XRANGE', KEYS[1], '(' .. last, '+', 'COUNT', 1)[1]
if not oldest then return {} end

local unread = lag or length
local bytes = redis.call('MEMORY', 'USAGE', KEYS[1], 'SAMPLES', 20) * unread / length
local beyond = math.ceil(unread * math.max(0, 1 - ARGV[2] / bytes))
local clock = redis.call('TIME')
local cutoff = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000) - ARGV[3])
if tonumber(string.match(oldest[1], '%d+')) <= tonumber(cutoff) then
  local aged = redis.call('XRANGE', KEYS[1], '(' .. last, cutoff, 'COUNT', ARGV[4])
  beyond = math.max(beyond, #aged)
end
return {unread, beyond, oldest[1]}
