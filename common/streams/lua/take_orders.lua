-- Take the orders that are due, for a while: who does not finish in time loses them to others.
-- KEYS: 1 orders of a shard, by the time they are due
-- ARGV: 1 now in ms, 2 until when they are taken in ms, 3 at most so many
-- Returns the names of what was ordered.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, name in ipairs(due) do redis.call('ZADD', KEYS[1], ARGV[2], name) end
return due
