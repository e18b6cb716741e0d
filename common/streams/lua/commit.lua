#!lua flags=allow-oom
-- Apply the effects of a batch, all or none.
-- KEYS: 1 lease, 2 watermarks, 3… streams and meeting records, named below by their index
-- ARGV: 1 token, 2 sequence number, 3 group, then five lists, each headed by its length:
--   appends:       key index, number of fields and values, fields and values…
--   delivered:     key index, id of the last entry, entries delivered ever, number of arguments,
--                  arguments of XCLAIM: the ids that stay pending, and its options
--   acknowledged:  key index, number of ids, ids…
--   watermarks:    key, value                     (value '' forgets the key)
--   tallies:       key index, field, amount
-- Returns {'OK'}; or, and then nothing changes, {'REPEATED'} when this sequence number was applied
-- already (its reply got lost), {'FENCED'} when the shard has another owner, or {'FORGOTTEN'} when
-- this server knows nothing of the commit before.
local lease = redis.call('HMGET', KEYS[1], 'token', 'sequence')
if lease[1] ~= ARGV[1] then return {'FENCED'} end
if lease[2] == ARGV[2] then return {'REPEATED'} end
if tonumber(lease[2]) + 1 ~= tonumber(ARGV[2]) then return {'FORGOTTEN'} end

local at = 3
local function take()
  at = at + 1
  return ARGV[at]
end
local function take_many(n)
  local from = at + 1
  at = at + n
  return unpack(ARGV, from, at)
end

for _ = 1, tonumber(take()) do
  local key = KEYS[tonumber(take())]
  redis.call('XADD', key, '*', take_many(tonumber(take())))
end
for _ = 1, tonumber(take()) do
  local key, last, read, count = KEYS[tonumber(take())], take(), take(), tonumber(take())
  redis.call('XGROUP', 'SETID', key, ARGV[3], last, 'ENTRIESREAD', read)
  if count > 0 then redis.call('XCLAIM', key, ARGV[3], 'owner', 0, take_many(count)) end
end
for _ = 1, tonumber(take()) do
  local key = KEYS[tonumber(take())]
  redis.call('XACK', key, ARGV[3], take_many(tonumber(take())))
end
for _ = 1, tonumber(take()) do
  local key, value = take(), take()
  if value == '' then
    redis.call('HDEL', KEYS[2], key)
  else
    redis.call('HSET', KEYS[2], key, value)
  end
end
for _ = 1, tonumber(take()) do
  local key, field, amount = KEYS[tonumber(take())], take(), take()
  if redis.call('EXISTS', key) == 1 then redis.call('HINCRBY', key, field, amount) end
end
redis.call('HSET', KEYS[1], 'sequence', ARGV[2])
return {'OK'}
