-- Keep a report, unless one that saw more is there, and be done with the order it was built for.
-- KEYS: 1 report, 2 orders of the shard
-- ARGV: 1 name, 2 until when the order was taken, 3 seconds to keep it,
--       4 how far it saw, milliseconds, 5 and number, then fields and values
-- Returns 'KEPT' or 'OUTDATED'. An order made anew meanwhile stays.
local verdict = 'KEPT'
local seen = redis.call('HMGET', KEYS[1], 'seen_ms', 'seen_number')
local ms, number = tonumber(ARGV[4]), tonumber(ARGV[5])
if seen[1] and (tonumber(seen[1]) > ms or (tonumber(seen[1]) == ms and tonumber(seen[2]) > number)) then
  verdict = 'OUTDATED'
else
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'seen_ms', ARGV[4], 'seen_number', ARGV[5], unpack(ARGV, 6))
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
local taken = redis.call('ZSCORE', KEYS[2], ARGV[1])
if taken and tonumber(taken) == tonumber(ARGV[2]) then redis.call('ZREM', KEYS[2], ARGV[1]) end
return verdict
