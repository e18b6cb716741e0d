#!lua flags=allow-oom
-- Prolong leases that are still ours, even those that expired while nobody wanted them.
-- KEYS: leases
-- ARGV: 1 member, 2 lease_ms, then the token of each lease
-- Returns 'OK' or 'FENCED' for each.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local until_ms = string.format('%.0f', now + ARGV[2])
local verdicts = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('HMGET', key, 'owner', 'token')
  if held[1] == ARGV[1] and held[2] == ARGV[2 + i] then
    redis.call('HSET', key, 'until_ms', until_ms)
    verdicts[i] = 'OK'
  else
    verdicts[i] = 'FENCED'
  end
end
return verdicts
