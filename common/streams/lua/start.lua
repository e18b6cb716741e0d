-- Begin a meeting, and announce it, unless it has begun or is being deleted.
-- KEYS: 1 meeting record, 2 meetings that are being deleted, 3 meetings, 4 results
-- ARGV: 1 meeting name, 2 Unix ms at which it began, 3… fields and values of the announcement
-- Returns 'NEW', 'KNOWN', or 'DELETING'; in the last two nothing changes.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'DELETING' end
if redis.call('HSETNX', KEYS[1], 'started_at_ms', ARGV[2]) == 0 then return 'KNOWN' end
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[3], string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)), ARGV[1])
redis.call('XADD', KEYS[4], '*', unpack(ARGV, 3))
return 'NEW'
