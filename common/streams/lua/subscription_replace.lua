-- Change a subscription, unless somebody else has meanwhile.
-- KEYS: 1 subscriptions, 2 version
-- ARGV: 1 subscription, 2 what it was, 3 what it is to be
-- Returns 'OK' or 'CHANGED'.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
  return 'CHANGED'
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('INCR', KEYS[2])
return 'OK'
