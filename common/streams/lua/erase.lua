-- Delete entries that every group has read. A deleted entry that a group has yet to read would make its
-- lag unknown, so that one stays, for now. So would, until it reads on, the very last one that it has read.
-- KEYS: 1 stream
-- ARGV: 1 '1' to delete also what a group has read last, 2… ids
-- Returns how many stay.
local function split(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return tonumber(ms), tonumber(seq)
end

local groups, low_ms, low_seq = {}, math.huge, math.huge
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  groups[#groups + 1] = group['name']
  local ms, seq = split(group['last-delivered-id'])
  if ms < low_ms or (ms == low_ms and seq < low_seq) then low_ms, low_seq = ms, seq end
end

local staying = 0
for i = 2, #ARGV do
  local id = ARGV[i]
  local ms, seq = split(id)
  local is_last = ms == low_ms and seq == low_seq
  if ms > low_ms or (ms == low_ms and seq > low_seq) or (is_last and ARGV[1] ~= '1') then
    staying = staying + 1
  else
    for _, name in ipairs(groups) do redis.call('XACK', KEYS[1], name, id) end
    redis.call('XDEL', KEYS[1], id)
  end
end
return staying
