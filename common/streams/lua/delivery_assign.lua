-- Assign the next turn of a subscription that is due. One that was assigned and has not begun within
-- its time keeps its number, so that of its jobs, however many there are, one takes the turn.
-- KEYS: 1 agenda, 2 state
-- ARGV: 1 subscription, 2 lease_ms
-- Returns the turn's number; 0 where it is not due any more.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > now then
  return 0
end
local state = redis.call('HMGET', KEYS[2], 'turn', 'assigned')
local turn = tonumber(state[1] or 0)
if state[2] ~= '1' then
  turn = turn + 1
end
local until_ms = string.format('%.0f', now + ARGV[2])
redis.call('HSET', KEYS[2], 'turn', turn, 'assigned', 1, 'turn_until_ms', until_ms)
redis.call('ZADD', KEYS[1], until_ms, ARGV[1])
return turn
