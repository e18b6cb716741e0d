-- End a meeting that nobody has heard of since, with all that it leaves to say; all or nothing.
-- KEYS: 1 meeting record, 2 meetings, 3 audio, 4 results
-- ARGV: 1 meeting name, 2 Unix ms when it was last heard, then per open track:
--   field of the open track, message that ends it; after an empty argument, per result:
--   number of fields and values, fields and values…
-- Returns 'OK', 'HEARD' (again, meanwhile) or 'ENDED' (by another); in the last two nothing changes.
if redis.call('EXISTS', KEYS[1]) == 0 or redis.call('HEXISTS', KEYS[1], 'ended_at_ms') == 1 then return 'ENDED' end
local heard = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not heard or tonumber(heard) ~= tonumber(ARGV[2]) then return 'HEARD' end

local at = 3
while ARGV[at] ~= '' do
  redis.call('HDEL', KEYS[1], ARGV[at])
  redis.call('XADD', KEYS[3], '*', 'm', ARGV[at + 1])
  at = at + 2
end
at = at + 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  redis.call('XADD', KEYS[4], '*', unpack(ARGV, at + 1, at + count))
  at = at + count + 1
end
redis.call('HSET', KEYS[1], 'ended_at_ms', ARGV[2])
return 'OK'
