-- Begin a meeting unless it has begun or is being deleted.
-- KEYS: 1 meeting record, 2 meetings that are being deleted
-- ARGV: 1 meeting name, 2 Unix ms at which it began
-- Returns 'NEW', 'KNOWN', or 'DELETING'; in the last two nothing changes.
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return 'DELETING' end
return redis.call('HSETNX', KEYS[1], 'started_at_ms', ARGV[2]) == 1 and 'NEW' or 'KNOWN'
