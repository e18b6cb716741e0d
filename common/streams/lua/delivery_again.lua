-- Let finished deliveries wait once more; those that wait already are left as they are.
-- KEYS: 1 deliveries, 2 waiting, 3 delivered, 4 dead
-- ARGV: pairs of delivery and its new record
-- Returns how many wait now that did not before.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local moved = 0
for i = 1, #ARGV, 2 do
  if redis.call('ZREM', KEYS[3], ARGV[i]) + redis.call('ZREM', KEYS[4], ARGV[i]) > 0 then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
    redis.call('ZADD', KEYS[2], now, ARGV[i])
    moved = moved + 1
  end
end
return moved
