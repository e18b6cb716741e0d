-- Say that a member lives, and learn which others do. Time is Redis time.
-- KEYS: 1 members
-- ARGV: 1 member, 2 ms after which a silent member counts as gone
-- Returns the live members.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
