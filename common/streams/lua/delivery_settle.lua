-- Write down what became of an attempt, unless the delivery was erased or finished meanwhile.
-- KEYS: 1 deliveries, 2 made, 3 waiting, 4 delivered, 5 dead
-- ARGV: 1 delivery, 2 record, 3 state (waiting, delivered, dead), 4 ms until the next attempt, 5 most kept
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if not redis.call('ZSCORE', KEYS[3], ARGV[1]) then
  return 'GONE'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
if ARGV[3] == 'waiting' then
  redis.call('ZADD', KEYS[3], now + ARGV[4], ARGV[1])
  return 'OK'
end
local finished = ARGV[3] == 'dead' and KEYS[5] or KEYS[4]
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZADD', finished, now, ARGV[1])
local beyond = redis.call('ZCARD', finished) - ARGV[5]
if beyond > 0 then
  local oldest = redis.call('ZRANGE', finished, 0, math.min(beyond, 1000) - 1)
  redis.call('ZREM', finished, unpack(oldest))
  redis.call('ZREM', KEYS[2], unpack(oldest))
  redis.call('HDEL', KEYS[1], unpack(oldest))
end
return 'OK'
