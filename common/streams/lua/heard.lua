#!lua flags=allow-oom
-- Say that meetings are alive. Time is Redis time.
-- KEYS: 1 meetings
-- ARGV: meeting names…
-- Returns 'OK'.
local clock = redis.call('TIME')
local now = string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000))
for _, name in ipairs(ARGV) do redis.call('ZADD', KEYS[1], now, name) end
return 'OK'
