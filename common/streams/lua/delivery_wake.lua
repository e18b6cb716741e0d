-- Let a receiver have its next turn now, with a clean slate.
-- KEYS: 1 disabled, 2 agenda, 3 state, 4 waiting
-- ARGV: 1 subscription
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HDEL', KEYS[3], 'health', 'rest_until_ms')
for _, id in ipairs(redis.call('ZRANGE', KEYS[4], 0, 0)) do
  redis.call('ZADD', KEYS[4], 'LT', now, id)
end
local until_ms = redis.call('HGET', KEYS[3], 'turn_until_ms')
if redis.call('ZCARD', KEYS[4]) > 0 and tonumber(until_ms or 0) <= now
  and redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
end
return 'OK'
