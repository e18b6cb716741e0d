#!lua flags=allow-oom
-- Say that a member lives and what it holds, and learn which others do. Time is Redis time. Where
-- nobody was heard for all of ARGV[2], it was the server that was away, or its clock that jumped:
-- then half of it counts, and whoever lives has the other half to say so.
-- KEYS: 1 members, 2 what they say of themselves, 3 count of changes of both
-- ARGV: 1 member, 2 ms after which a silent member counts as gone, 3 '1' where it is a newcomer to
--       its own knowledge, otherwise '0', 4 what it holds, 5 edition of the view that it has, or ''
-- Returns {'JOINED' (it was no member until now) or 'KNOWN', edition, {member, what it says, …}}: the
-- live members, each with '1' for a newcomer or '0' before what it holds, and '' for one that says
-- nothing; without them where ARGV[5] is that edition. Members of older versions count no changes, and
-- only show in how many members there are: ask for the whole view now and then.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
local silence = newest and now - newest or 0
if silence < 0 or silence > tonumber(ARGV[2]) then
  local ahead = string.format('%.0f', math.floor(silence - ARGV[2] / 2))
  for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do redis.call('ZINCRBY', KEYS[1], ahead, member) end
end
local joined = redis.call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1]) == 1
local says = (joined and '1' or ARGV[3]) .. ARGV[4]
local changed = joined or redis.call('HGET', KEYS[2], ARGV[1]) ~= says
redis.call('HSET', KEYS[2], ARGV[1], says)
local before = string.format('(%.0f', now - ARGV[2])
for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before)) do
  redis.call('ZREM', KEYS[1], member)
  redis.call('HDEL', KEYS[2], member)
  changed = true
end
if joined then
  -- Those of older versions leave behind what the members that they missed had said.
  for _, member in ipairs(redis.call('HKEYS', KEYS[2])) do
    if not redis.call('ZSCORE', KEYS[1], member) then redis.call('HDEL', KEYS[2], member) end
  end
end
if changed then redis.call('INCR', KEYS[3]) end

local edition = redis.call('GET', KEYS[3]) .. '/' .. redis.call('ZCARD', KEYS[1])
local view = {}
if edition ~= ARGV[5] then
  local members = redis.call('ZRANGE', KEYS[1], 0, -1)
  local said = redis.call('HMGET', KEYS[2], unpack(members))
  for i, member in ipairs(members) do view[2 * i - 1], view[2 * i] = member, said[i] or '' end
end
return {joined and 'JOINED' or 'KNOWN', edition, view}
