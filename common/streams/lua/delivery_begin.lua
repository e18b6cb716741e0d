-- Begin an assigned turn: once, by whoever comes first.
-- KEYS: 1 agenda, 2 state
-- ARGV: 1 subscription, 2 turn, 3 lease_ms
-- Returns 'STALE', or {health} with what is known of the receiver.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[2], 'turn', 'assigned', 'health')
if state[1] ~= ARGV[2] or state[2] ~= '1' then
  return 'STALE'
end
local until_ms = string.format('%.0f', now + ARGV[3])
redis.call('HSET', KEYS[2], 'assigned', 0, 'turn_until_ms', until_ms)
redis.call('ZADD', KEYS[1], until_ms, ARGV[1])
return {state[3] or ''}
