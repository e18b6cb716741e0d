#!lua flags=allow-oom
-- Take the lease of a shard when it is free or expired. Time is Redis time; a lease that ends later
-- than one taken now was taken before the clock went back, and counts as expired.
-- KEYS: 1 lease
-- ARGV: 1 member, 2 lease_ms, 3 twelve random digits
-- Returns {'TAKEN', token} with a new, higher fencing token, or {'HELD', owner}. The token is a
-- count of the changes of hands with the random digits behind it: a promoted replica that never
-- heard of the last change counts it again, and must not give the same token again.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'owner', 'until_ms', 'token')
local left = held[1] and held[2] - now or 0
if left > 0 and left <= tonumber(ARGV[2]) then
  return {'HELD', held[1]}
end
local count = tonumber(string.sub(held[3] or '', 1, -13)) or 0
local token = string.format('%d', count + 1) .. ARGV[3]
redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'until_ms', string.format('%.0f', now + ARGV[2]),
  'token', token, 'sequence', 0)
return {'TAKEN', token}
