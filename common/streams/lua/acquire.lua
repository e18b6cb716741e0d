-- Take the lease of a shard when it is free or expired. Time is Redis time.
-- KEYS: 1 lease
-- ARGV: 1 member, 2 lease_ms
-- Returns {'TAKEN', token} with a new, higher fencing token, or {'HELD', owner}.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'owner', 'until_ms')
if held[1] and tonumber(held[2]) > now then
  return {'HELD', held[1]}
end
local token = redis.call('HINCRBY', KEYS[1], 'token', 1)
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until_ms', string.format('%.0f', now + ARGV[2]), 'sequence', 0)
return {'TAKEN', token}
