-- Find meetings that were last heard within a stretch of the past. Time is Redis time.
-- KEYS: 1 meetings
-- ARGV: 1 ms of silence, 2 Unix ms after which to look
-- Returns {Unix ms up to which it looked, {name, Unix ms last heard, …}}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local last = string.format('%.0f', now - ARGV[1])
return {last, redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[2], last, 'WITHSCORES')}
