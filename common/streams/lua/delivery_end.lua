-- End a turn: say how the receiver does, let it rest if it must, and put the next turn on the agenda.
-- KEYS: 1 disabled, 2 agenda, 3 state, 4 waiting
-- ARGV: 1 subscription, 2 turn, 3 health, 4 ms to rest
-- Returns 'STALE' or 'OK'.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local state = redis.call('HMGET', KEYS[3], 'turn', 'assigned')
if state[1] ~= ARGV[2] or state[2] ~= '0' then
  return 'STALE'
end
local rest_until = now + ARGV[4]
redis.call('HSET', KEYS[3], 'turn_until_ms', 0, 'health', ARGV[3],
  'rest_until_ms', string.format('%.0f', rest_until))
local first = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
if #first == 0 or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[2], string.format('%.0f', math.max(rest_until, tonumber(first[2]))), ARGV[1])
end
return 'OK'
