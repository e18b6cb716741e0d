-- Take deliveries that are due, for an attempt. They are due again after the lease, should this
-- process die meanwhile.
-- KEYS: 1 agenda, 2 state, 3 deliveries, 4 waiting
-- ARGV: 1 subscription, 2 turn, 3 lease_ms, 4 count
-- Returns 'STALE', or the records.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[2], 'turn', 'assigned')
if state[1] ~= ARGV[2] or state[2] ~= '0' then
  return 'STALE'
end
local until_ms = string.format('%.0f', now + ARGV[3])
redis.call('HSET', KEYS[2], 'turn_until_ms', until_ms)
redis.call('ZADD', KEYS[1], until_ms, ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, ARGV[4])
if #ids == 0 then
  return {}
end
for _, id in ipairs(ids) do
  redis.call('ZADD', KEYS[4], until_ms, id)
end
return redis.call('HMGET', KEYS[3], unpack(ids))
