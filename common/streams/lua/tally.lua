-- Add to a counter of a meeting, if it is known.
-- KEYS: 1 meeting record
-- ARGV: 1 field, 2 amount
-- Returns 'OK' or 'UNKNOWN'.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'UNKNOWN' end
redis.call('HINCRBY', KEYS[1], ARGV[1], ARGV[2])
return 'OK'
