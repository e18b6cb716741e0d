#!lua flags=allow-oom
-- Prolong a lease that is still ours, even one that expired while nobody wanted it.
-- KEYS: 1 lease
-- ARGV: 1 member, 2 token, 3 lease_ms
-- Returns 'OK' or 'FENCED'.
local held = redis.call('HMGET', KEYS[1], 'owner', 'token')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  return 'FENCED'
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('HSET', KEYS[1], 'until_ms', string.format('%.0f', now + ARGV[3]))
return 'OK'
