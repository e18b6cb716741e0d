#!lua flags=allow-oom
-- Say that a member lives, and learn which others do. Time is Redis time. Where nobody was heard for
-- all of ARGV[2], it was the server that was away, or its clock that jumped: then half of it counts,
-- and whoever lives has the other half to say so.
-- KEYS: 1 members
-- ARGV: 1 member, 2 ms after which a silent member counts as gone
-- Returns the live members.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local silence = newest and now - newest or 0
if silence < 0 or silence > tonumber(ARGV[2]) then
  local ahead = string.format('%.0f', math.floor(silence - ARGV[2] / 2))
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZINCRBY', KEYS[1], ahead, member) end
end
redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))
return redis.call('ZRANGE', KEYS[1], 0, -1)
