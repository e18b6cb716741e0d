#!lua flags=allow-oom
-- Say that a member lives and what it holds, and learn which others do. Time is Redis time. Where
-- nobody was heard for all of ARGV[2], it was the server that was away, or its clock that jumped:
-- then half of it counts, and whoever lives has the other half to say so.
-- KEYS: 1 members, 2 what they say of themselves
-- ARGV: 1 member, 2 ms after which a silent member counts as gone, 3 '1' where it is a newcomer to
--       its own knowledge, otherwise '0', 4 what it holds, 5 digest of what it knows of all members
-- Returns {'JOINED' (it was no member until now) or 'KNOWN', digest, {member, what it says, …}}: the
-- live members, each with '1' for a newcomer or '0' before what it holds, and '' for one that says
-- nothing; without them where ARGV[5] is the digest of that.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local silence = newest and now - newest or 0
if silence < 0 or silence > tonumber(ARGV[2]) then
  local ahead = string.format('%.0f', math.floor(silence - ARGV[2] / 2))
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZINCRBY', KEYS[1], ahead, member) end
end
local joined = redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1]) == 1
redis.call('HSET', KEYS[2], ARGV[1], (joined and '1' or ARGV[3]) .. ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.0f', now - ARGV[2]))

local members = redis.call('ZRANGE', KEYS[1], 0, -1)
if redis.call('HLEN', KEYS[2]) > #members then
  for _, member in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not redis.call('ZSCORE', KEYS[1], member) then redis.call('HDEL', KEYS[2], member) end
  end
end
table.sort(members)
local said, view = redis.call('HMGET', KEYS[2], unpack(members)), {}
for i, member in ipairs(members) do
  view[2 * i - 1], view[2 * i] = member, said[i] or ''
end
local digest = redis.sha1hex(table.concat(view, ' '))
return {joined and 'JOINED' or 'KNOWN', digest, digest ~= ARGV[5] and view or {}}
