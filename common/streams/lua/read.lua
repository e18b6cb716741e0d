#!lua flags=allow-oom
-- Take entries as the owner. A plain XREADGROUP that was parked or delayed would take entries after
-- the shard changed hands; this one looks at the token first.
-- KEYS: 1 lease, 2… input streams
-- ARGV: 1 token, 2 group, 3 count, 4… where to read each stream from: '>' or an entry id
-- Returns {'OK', reply of XREADGROUP or nothing} or {'FENCED'}.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return {'FENCED'}
end
local command = {'XREADGROUP', 'GROUP', ARGV[2], 'owner', 'COUNT', ARGV[3], 'STREAMS'}
for i = 2, #KEYS do command[#command + 1] = KEYS[i] end
for i = 4, #ARGV do command[#command + 1] = ARGV[i] end
return {'OK', redis.call(unpack(command))}
