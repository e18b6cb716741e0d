-- Let deliveries wait for their subscription's next turn; those known already are left as they are.
-- KEYS: 1 subscriptions, 2 disabled, 3 agenda, 4 state, 5 deliveries, 6 made, 7 waiting
-- ARGV: 1 subscription, 2 most that may wait, then pairs of delivery and its record
-- Returns {new, dropped}; a subscription that is gone or disabled takes none.
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then
  return {0, 0}
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local waiting, new, dropped = redis.call('ZCARD', KEYS[7]), 0, 0
for i = 3, #ARGV, 2 do
  if redis.call('HEXISTS', KEYS[5], ARGV[i]) == 0 then
    if waiting + new >= tonumber(ARGV[2]) then
      dropped = dropped + 1
    else
      redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 1])
      redis.call('ZADD', KEYS[6], now, ARGV[i])
      redis.call('ZADD', KEYS[7], now, ARGV[i])
      new = new + 1
    end
  end
end
if dropped > 0 then
  redis.call('HINCRBY', KEYS[4], 'dropped', dropped)
end
-- While a turn is under way its end looks at what waits.
local state = redis.call('HMGET', KEYS[4], 'turn_until_ms', 'rest_until_ms')
if new > 0 and tonumber(state[1] or 0) <= now then
  redis.call('ZADD', KEYS[3], 'LT', math.max(now, tonumber(state[2] or 0)), ARGV[1])
end
return {new, dropped}
