#!lua flags=allow-oom
-- Give a lease back, so that the next owner need not wait for it to expire.
-- KEYS: 1 lease
-- ARGV: 1 member, 2 token
-- Returns 'OK' or 'FENCED'.
local held = redis.call('HMGET', KEYS[1], 'owner', 'token')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  return 'FENCED'
end
redis.call('HDEL', KEYS[1], 'owner', 'until_ms')
return 'OK'
