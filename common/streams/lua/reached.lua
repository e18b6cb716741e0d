-- See how far a group has come.
-- KEYS: 1 stream
-- ARGV: 1 group
-- Returns {id of the last entry it was given, how many entries ever it was given}.
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  if group['name'] == ARGV[1] then
    local read = group['entries-read']
    if not read then
      local stream, facts = redis.call('XINFO', 'STREAM', KEYS[1]), {}
      for i = 1, #stream, 2 do facts[stream[i]] = stream[i + 1] end
      read = facts['entries-added'] - (group['lag'] or facts['length'])
    end
    return {group['last-delivered-id'], read}
  end
end
return redis.error_reply('ERR no group ' .. ARGV[1] .. ' on ' .. KEYS[1])
