-- End a meeting, and announce that, once.
-- KEYS: 1 meeting record, 2 results
-- ARGV: 1 Unix ms at which it ended, 2… fields and values of the announcement
-- Returns 'OK', or 'ENDED' (it had, or is not known; nothing changes).
if redis.call('EXISTS', KEYS[1]) == 0 then return 'ENDED' end
if redis.call('HSETNX', KEYS[1], 'ended_at_ms', ARGV[1]) == 0 then return 'ENDED' end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 2))
return 'OK'
